import type { Page } from '@playwright/test';
import { answers, expect, finished, lastText, LONG, send, test, written } from './qwill';

async function openPrompt(page: Page) {
  await page.evaluate(() => (location.hash = '#/prompt'));
  await expect(page.getByRole('textbox', { name: 'Ask, or paste a text' })).toBeFocused();
}

async function paste(page: Page, text: string) {
  await page.evaluate((t) => navigator.clipboard.writeText(t), text);
  await page.keyboard.press('Control+v');
  await expect(page.locator('blockquote')).toBeVisible();
}

const TEXT = 'we was at the sea last week.\nit were cold but we has a good time and eated fish every day';

test('a question is answered and continued in the chat', async ({ app }) => {
  await openPrompt(app);
  await app.keyboard.type('What is the sea?');
  await app.keyboard.press('Enter');
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('button', { name: 'Continue in chat' }).click();
  await expect(app).toHaveURL(/#\/c\//);
  await expect(app.getByRole('article', { name: 'You' })).toHaveText('What is the sea?');
  await expect(answers(app)).toHaveCount(1);
});

test('a pasted text is quoted, typing filters the commands, a digit runs one', async ({ app }) => {
  await openPrompt(app);
  await paste(app, TEXT);
  await expect(app.getByRole('textbox', { name: 'Ask, or paste a text' })).toHaveValue('');
  const commands = app.getByRole('group', { name: 'Commands' }).getByRole('button');
  await expect(commands).toHaveCount(9);
  await app.keyboard.type('sum');
  await expect(commands).toHaveText([/Summarize/]);
  await app.keyboard.type(' it in five words');
  await expect(app.getByRole('button', { name: 'Do: “sum it in five words”' })).toBeVisible();
  await app.keyboard.press('Escape');
  await expect(commands).toHaveCount(9);

  const request = app.waitForRequest((r) => r.url().endsWith('/api/write'));
  await app.keyboard.press('2');
  expect((await request).postDataJSON()).toMatchObject({ text: TEXT, door: 'prompt' });
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });

  // One step back each time, and out.
  await app.keyboard.press('Escape');
  await expect(commands).toHaveCount(9);
  await app.keyboard.press('Escape');
  await expect(app.locator('blockquote')).toHaveCount(0);
  const hide = app.waitForRequest((r) => r.url().endsWith('/api/window'));
  await app.keyboard.press('Escape');
  expect((await hide).postDataJSON()).toEqual({ action: 'hide' });
});

test('the arrow keys choose a command', async ({ app }) => {
  await openPrompt(app);
  await paste(app, TEXT);
  await app.keyboard.press('ArrowDown');
  await app.keyboard.press('ArrowDown');
  await expect(app.locator('.command.chosen')).toHaveAttribute('aria-keyshortcuts', '3');
});

test('it answers while a chat reply is being written, which then goes on by itself', async ({ app }) => {
  await send(app, LONG);
  await written(app, 30);
  const before = await lastText(app).innerText();

  await openPrompt(app);
  await app.keyboard.type('Name one colour.');
  await app.keyboard.press('Enter');
  const asked = Date.now();
  // The first word, or at least the reading of the question, within a second.
  await expect(app.locator('.result .prose').or(app.getByText(/^Reading/))).toBeVisible({ timeout: 1000 });
  test.info().annotations.push({ type: 'first sign after', description: `${Date.now() - asked} ms` });
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });

  await app.evaluate(() => history.back());
  await expect(lastText(app)).toBeVisible();
  const after = await written(app, before.length + 60);
  expect(after.startsWith(before.slice(0, 30))).toBe(true);
  await app.keyboard.press('Escape');
  await finished(app);
});

test('a reply to a pasted message comes as three drafts, and the edited one is taken', async ({ app }) => {
  await openPrompt(app);
  await paste(
    app,
    'Hi,\ncan we meet on Tuesday at ten to talk about the garden, and about who waters it in the summer?\nAnna',
  );
  await app.keyboard.type('reply');
  await app.keyboard.press('Enter');
  const cards = app.getByRole('radiogroup', { name: 'Choose a reply' }).getByRole('radio');
  await expect(cards).toHaveCount(3, { timeout: 60_000 });
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
  const intents = await app.locator('.draft strong').allInnerTexts();
  expect(new Set(intents).size).toBe(3);
  await cards.nth(2).check();
  const edit = app.getByRole('textbox', { name: 'Your reply' });
  await expect(edit).not.toHaveValue('');
  await edit.fill('Tuesday at ten is fine.');
  await app.getByRole('button', { name: 'Copy result' }).click();
  await expect.poll(() => app.evaluate(() => navigator.clipboard.readText())).toBe('Tuesday at ten is fine.');
});
