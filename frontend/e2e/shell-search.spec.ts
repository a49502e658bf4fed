// The search over all chats, the palette over everything, the sheet of shortcuts.
import type { Chat } from '../src/lib/api/types';
import { accessible, expect, finished, send, test } from './qwill';

test.beforeAll(async ({ qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: { max_tokens: 16, temperature: 0, seed: 1 } });
});
test.afterAll(async ({ qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: {}, theme: 'system', language: 'system' });
});

test('a word is found in titles and messages, and opens the chat at the message', async ({ app, qwill }) => {
  await send(app, 'Where does the okapi live?');
  await finished(app);
  const chat = (await qwill.call('POST', '/chats', { title: 'Okapis and zebras' })) as Chat;
  await app.keyboard.press('Control+n');

  await app.keyboard.press('Control+Shift+F');
  const field = app.getByRole('searchbox', { name: 'Search chats' });
  await expect(field).toBeFocused();
  await field.fill('okapi');
  const results = app.getByRole('list', { name: 'Search results' });
  await expect(results.locator('mark').first()).toHaveText(/okapi/i);
  await expect(results.getByRole('link', { name: 'Okapis and zebras' })).toBeVisible();
  await accessible(app, 'search results');

  const hit = results.getByRole('link', { name: /Where does the/ }).last();
  await field.press('ArrowDown');
  await expect(results.getByRole('link').first()).toBeFocused();
  await hit.click();
  await expect(app).toHaveURL(/\?m=/);
  await expect(app.getByRole('article', { name: 'You' })).toBeInViewport();

  await field.fill('nosuchword');
  await expect(app.locator('.sidebar').getByText('Nothing found for “nosuchword”.')).toBeVisible();
  await accessible(app, 'no hit');
  await app.route('**/api/search**', (route) => route.abort());
  await field.fill('okapi z');
  await expect(app.getByText('The search failed.')).toBeVisible();
  await accessible(app, 'search failed');
  await app.unroute('**/api/search**');
  await field.press('Escape');
  await expect(field).toHaveValue('');
  await qwill.call('DELETE', `/chats/${chat.id}`, undefined);
});

test('the palette finds chats, messages, commands, models, settings and actions', async ({ app, qwill }) => {
  const chat = (await qwill.call('POST', '/chats', { title: 'Quokka notes' })) as Chat;
  await send(app, 'When does the quoll sleep?');
  await finished(app);
  const open = async (query: string) => {
    await app.keyboard.press('Control+k');
    await expect(app.getByRole('combobox')).toBeFocused();
    await app.keyboard.type(query);
  };
  const options = app.getByRole('option');

  await open('quok');
  await expect(options.first()).toHaveText(/Quokka notes/);
  await expect(app.getByRole('combobox')).toHaveAttribute('aria-activedescendant', /.+/);
  await app.keyboard.press('Enter');
  await expect(app.getByRole('heading', { level: 1 })).toHaveText('Quokka notes');
  expect(app.url()).toContain(chat.id);

  await open('quoll');
  await expect(app.getByRole('group', { name: 'Messages' })).toContainText(/quoll/i);
  await accessible(app, 'palette with messages');
  await app.keyboard.press('Escape');

  await open('dark');
  await expect(options.first()).toHaveText(/Appearance: dark/);
  await app.keyboard.press('Enter');
  await expect(app.locator('html')).toHaveAttribute('data-theme', 'dark');

  await open('text size');
  await app.keyboard.press('Enter');
  await expect(app.getByRole('dialog', { name: 'Settings' })).toBeVisible();
  await expect(app.getByLabel('Text size')).toBeFocused();
  await app.keyboard.press('Escape');

  await open('proofread');
  await expect(options.first()).toHaveText(/Proofread/);
  await app.keyboard.press('Enter');
  await expect(app.getByRole('textbox', { name: 'Text to work on' })).toBeFocused();

  await open('starter');
  await expect(options.first()).toHaveText(/Use .*for new chats/);
  await app.keyboard.press('Escape');

  await open('zzzz');
  await expect(app.getByText('Nothing found.')).toBeVisible();
  await app.keyboard.press('Escape');

  // What was chosen last comes first.
  await app.keyboard.press('Control+k');
  await expect(app.getByRole('group', { name: 'Recent' }).getByRole('option').first()).toHaveText(/Proofread/);
  await app.keyboard.press('Control+k');
  await expect(app.getByRole('combobox')).toHaveCount(0);
});

test('the sheet lists the shortcuts, and they do what it says', async ({ app }) => {
  await app.locator('[data-composer]').fill('?');
  await expect(app.locator('[data-composer]')).toHaveValue('?');
  await app.locator('[data-composer]').fill('');
  await app.getByRole('navigation').getByRole('button', { name: 'New chat' }).focus();
  await app.keyboard.press('?');
  const sheet = app.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(sheet.getByText('Search everything')).toBeVisible();
  await expect(sheet.getByRole('heading')).toHaveCount(7);
  await accessible(app, 'shortcuts');
  await app.keyboard.press('Escape');
  await expect(app.getByRole('navigation').getByRole('button', { name: 'New chat' })).toBeFocused();

  await app.keyboard.press('Control+b');
  await expect(app.locator('.sidebar.collapsed')).toBeVisible();
  await app.keyboard.press('Control+b');
  await app.keyboard.press('Control+e');
  await expect(app.getByRole('textbox', { name: 'Text to work on' })).toBeFocused();
  await app.keyboard.press('Control+n');
  await expect(app.locator('[data-composer]')).toBeFocused();
  await app.keyboard.press('Control+,');
  await expect(app.getByRole('dialog', { name: 'Settings' })).toBeVisible();
});

test('a command of the palette waits for a text, or runs on the one that is there', async ({ app }) => {
  const choose = async () => {
    await app.keyboard.press('Control+k');
    await app.getByRole('combobox').fill('proofread');
    await app.getByRole('option', { name: 'Proofread' }).first().click();
  };
  await choose();
  const text = app.getByRole('textbox', { name: 'Text to work on' });
  await expect(text).toBeFocused();
  await text.fill('I has a apple.');
  await app.keyboard.press('Control+Enter');
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
  await app.keyboard.press('Escape');
  await choose();
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });
});
