import type { Page } from '@playwright/test';
import { Pair } from './look';
import { expect, test } from './qwill';

const TEXT =
  'i has went to the the market yesterday and buyed three apple. they was very fresh , we eated them all on the way';

async function openWrite(page: Page) {
  await page.getByRole('link', { name: 'Write', exact: true }).click();
  await page.getByRole('textbox', { name: 'Text to work on' }).fill(TEXT);
}

async function done(page: Page) {
  await expect(page.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
}

async function copied(page: Page): Promise<string> {
  await page.getByRole('button', { name: /^(Copy result|Copied)$/ }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

const changes = (page: Page) => page.locator('.change');

test('every change of proofread can be accepted or rejected', async ({ app }) => {
  await openWrite(app);
  await app.getByRole('button', { name: 'Proofread' }).click();
  await done(app);
  const total = await changes(app).count();
  expect(total).toBeGreaterThan(0);
  await expect(changes(app).first()).toBeFocused();
  await expect(app.locator('.counter')).toContainText(`1 of ${total}`);
  // Struck and added words say so without colour, also to a screen reader.
  await expect(changes(app).first()).toHaveAttribute(
    'aria-label',
    new RegExp(`^Change 1 of ${total}: .+, not decided$`),
  );

  // Rejecting all gives back the text exactly.
  for (let i = 0; i < total; i++) await app.keyboard.press(i % 2 ? 'Delete' : 'Backspace');
  await expect(app.locator('.counter')).toContainText('all reviewed');
  expect(await copied(app)).toBe(TEXT);

  // Undoing one and accepting it changes that place alone.
  await changes(app).first().click();
  await app.getByRole('button', { name: 'Undo' }).click();
  await app.keyboard.press('Enter');
  await expect(changes(app).first()).toHaveAttribute('aria-label', /accepted$/);
  await app.getByRole('button', { name: 'Changed', exact: true }).click();
  const shown = await app.locator('.difference .text').innerText();
  expect(shown).not.toBe(TEXT);
  await app.getByRole('button', { name: 'Original', exact: true }).click();
  await expect(app.locator('.difference .text')).toHaveText(TEXT, { useInnerText: true });
});

test('keys move between the changes of rewrite and accept all', async ({ app }) => {
  await openWrite(app);
  await app.getByRole('button', { name: 'Rewrite' }).click();
  await done(app);
  const total = await changes(app).count();
  expect(total).toBeGreaterThan(0);
  await app.keyboard.press('j');
  await expect(changes(app).nth(1 % total)).toBeFocused();
  await app.keyboard.press('k');
  await expect(changes(app).first()).toBeFocused();
  await app.keyboard.press('ArrowLeft');
  await expect(changes(app).last()).toBeFocused();
  await app.keyboard.press('Shift+Enter');
  // What carries a warning is left to a decision of its own.
  for (let n = await app.locator('.change.warned.open').count(); n > 0; n--) {
    await expect(app.locator('.change.warned:focus')).toBeVisible();
    await app.keyboard.press('Enter');
  }
  await expect(app.locator('.counter')).toContainText('all reviewed');
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeFocused();
  const result = await copied(app);
  await app.getByRole('button', { name: 'Changed', exact: true }).click();
  expect(result).toBe(await app.locator('.difference .text').innerText());

  await app.getByRole('button', { name: 'Work on the result' }).click();
  await expect(app.getByRole('textbox', { name: 'Text to work on' })).toHaveValue(result);
});

test('a summary streams, is stopped by Escape, and Escape goes back to the text', async ({ app }) => {
  await openWrite(app);
  await app.getByRole('textbox', { name: 'Text to work on' }).fill(`${TEXT}. `.repeat(12));
  await app.getByRole('button', { name: 'Summarize' }).click();
  await expect(app.getByRole('button', { name: 'Stop' })).toBeVisible();
  await app.keyboard.press('Escape');
  await expect(app.getByText('Your text is unchanged.')).toBeVisible();
  await app.keyboard.press('Escape');
  await expect(app.getByRole('textbox', { name: 'Text to work on' })).toHaveValue(`${TEXT}. `.repeat(12));
});

test('a free instruction runs, and its result continues in a chat', async ({ app }) => {
  await openWrite(app);
  await app.getByRole('textbox', { name: 'Or say what to do' }).fill('Say how many sentences this has');
  await app.keyboard.press('Enter');
  await done(app);
  await app.getByRole('button', { name: 'Continue in chat' }).click();
  await expect(app).toHaveURL(/#\/c\//);
  await expect(app.getByRole('article', { name: 'You' })).toContainText('Say how many sentences this has');
  await expect(app.getByRole('article', { name: 'Qwill' })).toBeVisible();
});

test('translate asks the chosen language', async ({ app }) => {
  await openWrite(app);
  const requests: unknown[] = [];
  app.on('request', (r) => r.url().endsWith('/api/write') && requests.push(r.postDataJSON()));
  await app.getByRole('button', { name: 'Translate' }).click();
  const select = app.getByRole('main').getByRole('combobox');
  await expect(select.first()).toBeVisible();
  await select.first().selectOption('fr');
  const go = app.locator('form').getByRole('button', { name: 'Translate' });
  if (await go.isVisible()) await go.click();
  await done(app);
  expect(JSON.stringify(requests.at(-1))).toContain('"language":"fr"');
});

test('an empty text is asked for', async ({ app }) => {
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  await app.getByRole('textbox', { name: 'Text to work on' }).fill('');
  await app.getByRole('button', { name: 'Rewrite' }).click();
  await expect(app.getByRole('alert')).toHaveText('Enter a text first.');
});

test('bold, links and lists survive a proofreading', async ({ app }) => {
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  const field = app.getByRole('textbox', { name: 'Text to work on' });
  await field.focus();
  await field.evaluate((node) => {
    const data = new DataTransfer();
    data.setData(
      'text/html',
      '<p>Me and my <b>brother has</b> bought a <a href="https://x.example/h">old house</a>.</p>',
    );
    data.setData('text/plain', 'Me and my brother has bought a old house.');
    node.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await expect(field).toHaveValue('Me and my brother has bought a old house.');
  await expect(app.getByText('Bold, links and lists will be kept.')).toBeVisible();
  await app.getByRole('button', { name: 'Proofread' }).click();
  await done(app);
  await app.getByRole('button', { name: /^(Copy result|Copied)$/ }).click();
  await expect(app.getByRole('button', { name: 'Copied' })).toBeVisible();
  const html = await app.evaluate(async () => {
    const [item] = await navigator.clipboard.read();
    return (await item!.getType('text/html')).text();
  });
  expect(html).toMatch(/<b>[^<]*brother[^<]*<\/b>/);
  expect(html).toContain('<a href="https://x.example/h"');
});

const MESSAGE = 'Hi Sam, can you join us for dinner on Friday at 7? We would love to see you. Anna';

test('a reply comes as three drafts, one of which is edited and used', async ({ app }) => {
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  await app.getByRole('textbox', { name: 'Text to work on' }).fill(MESSAGE);
  await app.getByRole('button', { name: 'Reply', exact: true }).click();
  await done(app);
  const cards = app.getByRole('radiogroup', { name: 'Choose a reply' }).getByRole('radio');
  await expect(cards).toHaveCount(3);
  await expect(cards.first()).toBeFocused();
  const intents = await app.locator('.draft strong').allInnerTexts();
  expect(new Set(intents).size).toBe(3);
  for (const intent of intents) expect(['Agree', 'Decline', 'Ask', 'Postpone']).toContain(intent);

  await app.keyboard.press('ArrowDown');
  await expect(cards.nth(1)).toBeChecked();
  const edit = app.getByRole('textbox', { name: 'Your reply' });
  const second = await edit.inputValue();
  expect(second).not.toBe('');
  await edit.fill(`${second} See you!`);
  expect(await copied(app)).toBe(`${second} See you!`);
  // The edit stays with its draft.
  await cards.first().check();
  await expect(edit).not.toHaveValue(`${second} See you!`);
  await cards.nth(1).check();
  await expect(edit).toHaveValue(`${second} See you!`);

  // Who says what to reply gets that one reply.
  const request = app.waitForRequest((r) => r.url().endsWith('/api/write'));
  await app.getByLabel('What to say').fill('Yes, I come');
  await app.getByLabel('What to say').press('Enter');
  await app.getByLabel('What to say').blur();
  expect((await request).postDataJSON().drafts).toBeUndefined();
  await done(app);
  await expect(app.getByRole('radiogroup')).toHaveCount(0);
});

test('the palette asks before a result in review is lost', async ({ app }) => {
  await openWrite(app);
  await app.getByRole('button', { name: 'Proofread' }).click();
  await done(app);
  await app.keyboard.press('Control+k');
  await app.keyboard.type('Summarize');
  await app.keyboard.press('Enter');
  const dialog = app.getByRole('alertdialog', { name: 'Discard this result?' });
  await expect(dialog).toBeVisible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(changes(app).first()).toBeVisible();
});

// The reasons are those of a recorded answer: the starter gives none.
test('each change tells its kind and its reason', async ({ browser, qwill }) => {
  const pair = await Pair.open(browser, qwill);
  try {
    const diff = [
      { kind: 'same', old: 'She ', new: 'She ' },
      {
        kind: 'change',
        old: 'go',
        new: 'goes',
        id: 1,
        why: { kind: 'grammar', text: 'the verb must agree with “she”' },
      },
      { kind: 'same', old: ' to', new: ' to' },
      { kind: 'change', old: ' to', new: '', id: 2, why: { kind: 'word', text: 'the word is repeated' } },
      { kind: 'same', old: ' school at ', new: ' school at ' },
      {
        kind: 'change',
        old: '8',
        new: '9',
        id: 3,
        why: { kind: 'word' },
        faults: [{ kind: 'number', old: '8', new: '9' }],
      },
      { kind: 'same', old: '.', new: '.' },
    ];
    const text = 'She go to to school at 8.';
    const body = `event: done\ndata: ${JSON.stringify({ text: 'She goes to school at 9.', original: text, shape: 'diff', diff, tries: 2, stats: null })}\n\n`;
    await pair.both(async (page) => {
      await page.route('**/api/write', (route) => route.fulfill({ contentType: 'text/event-stream', body }));
      await page.evaluate(() => (location.hash = '#/write'));
      await page.locator('#writing textarea').fill(text);
      await page.locator('#writing .command[aria-keyshortcuts="2"]').click();
      await expect(page.locator('.change')).toHaveCount(3);
    });
    await expect(pair.en.locator('.change').first()).toHaveAttribute(
      'aria-label',
      'Change 1 of 3: replace “go” with “goes”, Grammar: the verb must agree with “she”, not decided',
    );
    await expect(pair.en.locator('.why')).toHaveText(/Grammar\s*the verb must agree with “she”/);
    await expect(pair.zh.locator('.why')).toContainText('语法');
    await pair.look('proofread-reasons');
    // Accepting all leaves the one with a warning to a decision of its own.
    await pair.en.locator('.change').first().focus();
    await pair.en.keyboard.press('Shift+Enter');
    await expect(pair.en.locator('.change.open')).toHaveCount(1);
    await expect(pair.en.locator('.change.warned')).toBeFocused();

    await pair.both(async (page, zh) => {
      await page.unroute('**/api/write');
      await page.locator('#writing .icon-btn').first().click();
      await page.locator('#writing textarea').fill(MESSAGE);
      await page.locator('#writing .command[aria-keyshortcuts="9"]').click();
      await expect(page.getByRole('radiogroup', { name: zh ? '选择一条回复' : 'Choose a reply' })).toBeVisible({
        timeout: 60_000,
      });
    });
    await pair.look('reply-drafts');
  } finally {
    await pair.close();
  }
});
