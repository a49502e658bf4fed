// The composer: commands behind "/", the key that sends, drafts, long pastes, files; and the presets.
import type { Page } from '@playwright/test';
import { accessible, expect, finished, send, test } from './qwill';

const composer = (page: Page) => page.locator('[data-composer]');
const BAD = 'i has went to the the market yesterday and buyed three apple';

async function paste(page: Page, text: string) {
  await page.evaluate((t) => navigator.clipboard.writeText(t), text);
  await composer(page).press('Control+v');
}

async function drop(page: Page, name: string, content: string | number[]) {
  const transfer = await page.evaluateHandle(
    ([name, content]) => {
      const data = new DataTransfer();
      const bytes = typeof content === 'string' ? content : new Uint8Array(content as number[]);
      data.items.add(new File([bytes], name as string));
      return data;
    },
    [name, content] as const,
  );
  for (const type of ['dragover', 'drop']) await page.dispatchEvent('.composer', type, { dataTransfer: transfer });
}

test('"/" lists the commands, finds by typing, and runs one on the text', async ({ app }) => {
  await composer(app).fill(BAD);
  await composer(app).press('Shift+Enter');
  await composer(app).pressSequentially('/');
  const list = app.getByRole('listbox', { name: 'Commands' });
  await expect(list.getByRole('option')).toHaveCount(await app.evaluate(() => 9));
  await expect(list.getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await accessible(app, 'commands in the composer');
  await composer(app).press('ArrowDown');
  await expect(list.getByRole('option').nth(1)).toHaveAttribute('aria-selected', 'true');
  const active = await composer(app).getAttribute('aria-activedescendant');
  expect(await list.getByRole('option').nth(1).getAttribute('id')).toBe(active);
  await composer(app).press('Escape');
  await expect(list).toHaveCount(0);
  await composer(app).pressSequentially('proof');
  await expect(list.getByRole('option')).toHaveCount(1);
  await composer(app).press('Enter');
  await expect(list).toHaveCount(0);
  await expect(composer(app)).toHaveValue('');
  const panel = app.getByRole('region', { name: 'Proofread' });
  await expect(panel.locator('.change, .prose, .plain').first()).toBeVisible({ timeout: 60_000 });
  await accessible(app, 'the result of a command');
  await expect(panel.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('button', { name: 'Close, and go back to the text' }).click();
  await expect(composer(app)).toHaveValue(BAD);
  await expect(composer(app)).toBeFocused();
  await composer(app).fill('');
});

test('a command chosen first waits for its text, and can be dropped', async ({ app }) => {
  await composer(app).pressSequentially('/summ');
  await composer(app).press('Enter');
  await expect(app.getByRole('button', { name: 'Do without this command' })).toBeVisible();
  await expect(composer(app)).toHaveAttribute('placeholder', 'Type or paste the text for it');
  await composer(app).press('Backspace');
  await expect(app.getByRole('button', { name: 'Do without this command' })).toHaveCount(0);
  await composer(app).pressSequentially('/translate');
  await composer(app).press('Enter');
  await expect(app.locator('.pending select')).toBeVisible();
  await composer(app).fill('Good morning.');
  await composer(app).press('Enter');
  await expect(app.getByRole('region', { name: 'Translate' })).toBeVisible();
  await app.keyboard.press('Escape');
  await app.keyboard.press('Escape');
  await expect(app.getByRole('region', { name: 'Translate' })).toHaveCount(0);
  await expect(composer(app)).toHaveValue('Good morning.');
  await composer(app).fill('and/or /usr/bin');
  await expect(app.getByRole('listbox')).toHaveCount(0);
  await composer(app).fill('');
});

test('the key that sends is the one that was set', async ({ app, qwill }) => {
  await qwill.call('PUT', '/settings', { send_key: 'mod-enter' });
  await app.reload();
  await composer(app).fill('one');
  await composer(app).press('Enter');
  await composer(app).pressSequentially('two');
  await expect(composer(app)).toHaveValue('one\ntwo');
  await expect(app.getByRole('article')).toHaveCount(0);
  await composer(app).press('Control+Enter');
  await expect(app.getByRole('article', { name: 'You' })).toContainText('one');
  await app.keyboard.press('Escape');
  await finished(app);
  await qwill.call('PUT', '/settings', { send_key: 'enter' });
});

test('each chat keeps what was typed and not sent, on the backend and not in the browser', async ({ app, qwill }) => {
  await send(app, 'Hi');
  await app.keyboard.press('Escape');
  await finished(app);
  const id = new URL(app.url()).hash.slice(4);
  await composer(app).fill('half a thought');
  await expect.poll(async () => ((await qwill.get(`/chats/${id}`)) as { draft: string }).draft).toBe('half a thought');
  expect(await app.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toContain('half a');
  await app.getByRole('button', { name: 'New chat', exact: true }).click();
  await expect(composer(app)).toHaveValue('');
  await composer(app).fill('another one');
  await app.goBack();
  await expect(composer(app)).toHaveValue('half a thought');
  await app.reload();
  await expect(composer(app)).toHaveValue('half a thought');
  await composer(app).fill('');
  await app.getByRole('button', { name: 'New chat', exact: true }).click();
  await expect(composer(app)).toHaveValue('another one');
  await composer(app).fill('');
  await expect.poll(async () => ((await qwill.get('/draft')) as { text: string }).text).toBe('');
});

test('a temporary chat says that it is not saved, and keeps no draft', async ({ app, qwill }) => {
  const chat = (await qwill.call('POST', '/chats', { temporary: true })) as { id: string };
  await app.goto(`${new URL(qwill.url).origin}/#/c/${chat.id}`);
  await expect(app.locator('header').getByText('Not saved')).toBeVisible();
  const kept: string[] = [];
  app.on('request', (r) => r.url().includes('/draft') && r.method() === 'PUT' && kept.push(r.url()));
  await composer(app).fill('a secret');
  await app.waitForTimeout(1200);
  expect(kept).toEqual([]);
  await accessible(app, 'temporary chat');
  await composer(app).fill('');
});

test('a very long paste becomes a part of the message, which is shown folded', async ({ app }) => {
  await composer(app).fill('Read this:');
  await paste(app, 'A line of text.\n'.repeat(3000));
  await expect(app.getByRole('list', { name: 'Added texts' })).toContainText('48,000 characters');
  await expect(composer(app)).toHaveValue('Read this:');
  await accessible(app, 'a long paste');
  await composer(app).press('Enter');
  const mine = app.getByRole('article', { name: 'You' });
  await expect(mine).toContainText('Read this:');
  const all = mine.getByRole('button', { name: /^Show all, 48,0\d\d characters$/ });
  const folded = (await mine.boundingBox())!.height;
  expect(folded).toBeLessThan(900);
  await all.click();
  await expect.poll(async () => (await mine.boundingBox())!.height).toBeGreaterThan(folded * 3);
  await mine.getByRole('button', { name: 'Show less' }).press('Enter');
  await expect(all).toBeFocused();
  await finished(app);
});

test('a text file is dropped as text; what is none or too large is refused with a reason', async ({ app }) => {
  await drop(app, 'note.md', '# Title\n\nSome words.');
  await expect(composer(app)).toHaveValue('# Title\n\nSome words.');
  await drop(app, 'more.txt', 'More words.');
  await expect(app.getByRole('list', { name: 'Added texts' })).toContainText('more.txt');
  await drop(app, 'picture.png', [0x89, 0x50, 0x4e, 0x47, 0, 0xff]);
  await expect(app.getByRole('alert')).toContainText('picture.png is not a text file');
  await drop(app, 'huge.txt', 'x'.repeat(2_000_001));
  await expect(app.getByRole('alert')).toContainText('huge.txt is larger than 2 MB');
  await accessible(app, 'a refused file');
  await app.getByRole('button', { name: 'Remove more.txt' }).click();
  await expect(app.getByRole('list', { name: 'Added texts' })).toHaveCount(0);
  await expect(composer(app)).toBeFocused();
  await composer(app).fill('');
});

test('a preset is saved, applied in another chat, renamed and deleted', async ({ app }) => {
  const settings = app.getByRole('button', { name: 'Chat settings' });
  const dialog = app.getByRole('dialog');
  await settings.click();
  await dialog.getByLabel('System prompt').fill('You are a pirate.');
  await dialog.getByLabel('Temperature').fill('0.3');
  await dialog.getByLabel('Temperature').blur();
  await dialog.getByRole('button', { name: 'Save as preset…' }).click();
  await dialog.getByRole('textbox', { name: 'Name of the preset' }).fill('Pirate');
  await app.keyboard.press('Enter');
  await expect(dialog.getByLabel('Preset', { exact: true })).toHaveValue(/.+/);
  await accessible(app, 'presets');
  await app.keyboard.press('Escape');

  await app.reload();
  await send(app, 'Hi');
  await app.keyboard.press('Escape');
  await finished(app);
  await settings.click();
  await expect(dialog.getByLabel('System prompt')).toHaveValue('');
  await dialog.getByLabel('Preset', { exact: true }).selectOption('Pirate');
  await expect(dialog.getByLabel('System prompt')).toHaveValue('You are a pirate.');
  await expect(dialog.getByLabel('Temperature')).toHaveValue('0.3');
  await dialog.getByRole('button', { name: 'Rename “Pirate”' }).click();
  await dialog.getByRole('textbox', { name: 'Name of the preset' }).fill('Captain');
  await app.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Delete “Captain”' }).click();
  await app.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await expect(dialog.getByLabel('Preset', { exact: true })).toBeDisabled();
  await expect(dialog.getByLabel('System prompt')).toHaveValue('You are a pirate.');
});
