// The settings: every one takes effect at once, is found by its name, and what cannot be undone asks for a word.
import type { Locator, Page } from '@playwright/test';
import type { ChatSummary, Settings } from '../src/lib/api/types';
import { accessible, expect, test, type Qwill } from './qwill';

const stored = async (qwill: Qwill) => (await qwill.get('/settings')) as Settings;

async function open(page: Page, part?: string): Promise<Locator> {
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await expect(dialog).toBeVisible();
  if (part) await dialog.getByRole('button', { name: part, exact: true }).click();
  return dialog;
}

test.afterEach(async ({ qwill }) => {
  await qwill.call('PUT', '/settings', {
    text_size: 100,
    reduce_motion: false,
    send_key: 'enter',
    offline: false,
    idle_minutes: 10,
    hotkey_enabled: false,
    language: 'system',
    theme: 'system',
    retention: { chat: 'forever', prompt: 'none', services: 'none', server: 'none' },
  });
});

test('what is chosen takes effect at once, says so and stays', async ({ app, qwill }) => {
  const dialog = await open(app);
  const root = app.locator('html');
  const size = async () => parseFloat(await root.evaluate((e) => getComputedStyle(e).fontSize));
  expect(await size()).toBe(16);
  await dialog.getByLabel('Text size').selectOption('150');
  await expect.poll(size).toBe(24);
  await expect(dialog.locator('#setting-text_size')).toContainText('Saved');
  expect((await stored(qwill)).text_size).toBe(150);
  await dialog.getByLabel('Text size').selectOption('100');

  await dialog.getByLabel('Reduce motion').click();
  await expect(root).toHaveAttribute('data-reduce-motion');
  await dialog.getByLabel('Send a message with').selectOption('mod-enter');
  await expect.poll(async () => (await stored(qwill)).send_key).toBe('mod-enter');

  await dialog.getByRole('button', { name: 'Models', exact: true }).click();
  await dialog.getByLabel('Free the model’s memory').selectOption('30');
  await expect.poll(async () => (await stored(qwill)).idle_minutes).toBe(30);
  await dialog.getByLabel('Precision').selectOption('exact');
  await expect.poll(async () => (await stored(qwill)).mode).toBe('exact');
  await dialog.getByLabel('Precision').selectOption('fast');

  await dialog.getByRole('button', { name: 'Privacy', exact: true }).click();
  await dialog.getByLabel('Stay offline').click();
  await expect.poll(async () => (await stored(qwill)).offline).toBe(true);
  await dialog.getByLabel('Quick prompt').selectOption('week');
  await expect.poll(async () => (await stored(qwill)).retention.prompt).toBe('week');

  await app.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await app.reload();
  await expect(root).toHaveAttribute('data-reduce-motion');
});

test('a setting is found by its name in any part', async ({ app }) => {
  const dialog = await open(app);
  const search = dialog.getByRole('searchbox', { name: 'Search settings' });
  await search.fill('retention');
  await expect(dialog.getByRole('heading', { name: 'Privacy' })).toBeVisible();
  await expect(dialog.getByText('How long to keep')).toBeVisible();
  await expect(dialog.getByRole('heading', { name: 'General' })).toBeHidden();
  await search.fill('motion');
  await expect(dialog.locator('mark')).toHaveText('motion');
  await accessible(app, 'settings found');
  await search.fill('nothing at all');
  await expect(dialog.getByText('No setting is about “nothing at all”.')).toBeVisible();
  await accessible(app, 'no setting found');
  await search.press('Escape');
  await expect(dialog.getByLabel('Language')).toBeVisible();
  await app.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
});

test('a refused shortcut and a refused setting are told', async ({ app }) => {
  const dialog = await open(app, 'Shortcuts and permissions');
  await app.route('**/api/settings', (route) =>
    route.fulfill({ status: 400, json: { error: { code: 'invalid', message: 'This shortcut cannot be used.' } } }),
  );
  await dialog.getByRole('button', { name: 'Record' }).last().click();
  await app.keyboard.press('Control+Alt+Shift+F9');
  await expect(dialog.getByText('This shortcut cannot be used.')).toBeVisible();
  await expect(dialog.locator('kbd').first()).toHaveText('Ctrl');
  await expect(dialog.locator('.keys kbd').last()).not.toHaveText('F9');
});

test('about tells the version, the report and every licence with its text', async ({ app }) => {
  const dialog = await open(app, 'About');
  await dialog.getByRole('button', { name: 'Examine' }).click();
  await expect(dialog.getByText('database', { exact: true })).toBeVisible({ timeout: 60_000 });
  await dialog.getByRole('button', { name: 'Copy the report' }).click();
  expect(await app.evaluate(() => navigator.clipboard.readText())).toContain('database');
  await dialog.getByRole('group', { name: 'Licences' }).getByRole('button').click();
  const filter = dialog.getByRole('searchbox', { name: 'Filter the works' });
  await filter.fill('svelte');
  await dialog.getByText('svelte', { exact: false }).first().click();
  await expect(dialog.locator('details[open] pre').last()).toContainText(/permission is hereby granted/i);
  await accessible(app, 'about, all open');
});

test('everything is erased only after the word, and then it is gone', async ({ app, qwill }) => {
  await qwill.call('POST', '/chats', { title: 'Not for long' });
  await expect(app.getByRole('link', { name: 'Not for long' })).toBeVisible();
  const dialog = await open(app, 'Privacy');
  const button = dialog.getByRole('button', { name: 'Erase everything' });
  await expect(button).toBeDisabled();
  await dialog.getByLabel('Type “erase” to allow it').fill('era');
  await expect(button).toBeDisabled();
  await dialog.getByLabel('Type “erase” to allow it').fill('Erase');
  await button.click();
  await expect(app.getByText(/Everything is erased/).first()).toBeAttached();
  await app.keyboard.press('Escape');
  await expect(app.getByRole('link', { name: 'Not for long' })).toHaveCount(0);
  expect(((await qwill.get('/chats')) as ChatSummary[]).length).toBe(0);
  await expect(app.locator('[data-composer]')).toBeVisible();
  await expect(app.getByText('What would you like to write?')).toBeVisible();
});
