// The three steps that greet a new user.
import { test as base } from '@playwright/test';
import { accessible, expect, Qwill } from './qwill';

const test = base.extend<object, { fresh: Qwill }>({
  fresh: [
    async ({}, use) => {
      const qwill = new Qwill(true);
      await qwill.start();
      await use(qwill);
      await qwill.stop();
      qwill.clean();
    },
    { scope: 'worker', timeout: 240_000 },
  ],
});

test('a new user is led through three steps, once', async ({ page, fresh }) => {
  await page.goto(fresh.url);
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Step 1 of 3');
  await expect(dialog.getByText(/is ready/)).toBeVisible();
  await expect(dialog.getByRole('heading')).toBeFocused();
  await accessible(page, 'first run, model');
  // It is no trap for the pointer either: only its own buttons end it.
  await page.mouse.click(4, 4);
  await expect(dialog).toBeVisible();

  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(dialog).toContainText('Step 2 of 3');
  await expect(dialog.getByText('qwill --prompt')).toBeVisible();
  await expect(dialog.getByRole('img')).toBeVisible();
  await accessible(page, 'first run, doors');
  await dialog.getByRole('button', { name: 'Record' }).last().click();
  await page.keyboard.press('k');
  await expect(dialog.getByText(/Hold Ctrl, Alt/)).toBeVisible();
  await page.keyboard.press('Control+Alt+j');
  await expect(dialog.locator('kbd').last()).toHaveText('J');
  await expect.poll(async () => ((await fresh.get('/settings')) as { hotkey: string }).hotkey).toBe('Ctrl+Alt+J');

  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(dialog).toContainText('Step 3 of 3');
  await dialog.getByRole('button', { name: 'Proofread' }).click();
  await expect(dialog.getByRole('region', { name: 'Result' })).toHaveAttribute('aria-busy', 'false', {
    timeout: 90_000,
  });
  await expect(dialog.getByRole('alert')).toHaveCount(0);
  await expect(dialog.getByRole('button', { name: 'Copy result' })).toBeVisible();
  await accessible(page, 'first run, try');
  await page.getByRole('button', { name: 'Start writing' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.locator('[data-composer]')).toBeFocused();

  await page.reload();
  await expect(page.locator('[data-composer]')).toBeVisible();
  await expect(dialog).toHaveCount(0);

  // It can be had again, and skipped.
  await page.keyboard.press('Control+,');
  await dialog.getByRole('button', { name: 'About' }).click();
  await dialog.getByRole('group', { name: 'Introduction' }).getByRole('button').click();
  await expect(dialog).toContainText('Step 1 of 3');
  await dialog.getByRole('button', { name: 'Skip the introduction' }).click();
  await expect(dialog).toHaveCount(0);
});
