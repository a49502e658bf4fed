// The views in both themes and both languages: axe-core finds
// nothing, and with QWILL_SCREENS=1 the pictures in docs/screens are taken.
import type { Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessible, expect, finished, lastText, test, written } from './qwill';

const SCREENS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'screens');
const DRAFT =
  'i has went to the the market yesterday and buyed three apple. they was very fresh , we eated them all on the way home';
const PASTED = `${DRAFT}.\nthen it begun to rain`;
const QUESTION = 'Write a short thank-you note to a colleague.';

const variants = [
  { name: 'light', scheme: 'light', language: 'en' },
  { name: 'dark', scheme: 'dark', language: 'en' },
  { name: 'zh-light', scheme: 'light', language: 'zh-Hans' },
  { name: 'zh-dark', scheme: 'dark', language: 'zh-Hans' },
] as const;

async function shot(page: Page, name: string) {
  if (!process.env['QWILL_SCREENS']) return;
  mkdirSync(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, `${name}.png`), caret: 'initial' });
}

// The starter can go on for long, and pictures should not change from run to run.
test.beforeAll(async ({ qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: { max_tokens: 200, temperature: 0, seed: 1 } });
});
test.afterAll(async ({ qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: {} });
});

for (const variant of variants) {
  const zh = variant.language === 'zh-Hans';
  const en = (english: string, chinese: string) => (zh ? chinese : english);

  test.describe(variant.name, () => {
    test.use({ colorScheme: variant.scheme, locale: zh ? 'zh-CN' : 'en-GB' });

    test('window, settings and write', async ({ app }) => {
      await expect(app.locator('html')).toHaveAttribute('lang', variant.language);
      await expect(app.locator('html')).toHaveAttribute('data-theme', variant.scheme);
      await expect(
        app.getByRole('heading', { name: en('What would you like to write?', '想写点什么？') }),
      ).toBeVisible();
      await accessible(app, 'empty chat');
      await shot(app, `empty-${variant.name}`);

      await app.locator('[data-composer]').fill(QUESTION);
      await app.locator('[data-composer]').press('Enter');
      await written(app, 40);
      await accessible(app, 'answer being written');
      await finished(app);
      await expect(lastText(app)).toBeVisible();
      await accessible(app, 'chat');
      await shot(app, `window-${variant.name}`);

      await app.locator('.model-trigger').click();
      await expect(app.getByRole('menu')).toBeVisible();
      await accessible(app, 'model menu');
      await app.keyboard.press('Escape');

      await app.getByRole('button', { name: en('Chat settings', '对话设置') }).click();
      await expect(app.getByRole('dialog')).toBeVisible();
      await accessible(app, 'chat settings');
      await app.keyboard.press('Escape');

      await app.getByRole('button', { name: en('Settings', '设置'), exact: true }).click();
      await expect(app.getByRole('dialog')).toBeVisible();
      await accessible(app, 'settings');
      await shot(app, `settings-${variant.name}`);
      await app.keyboard.press('Escape');

      await app.locator('li.current a').press('Delete');
      await expect(app.getByRole('button', { name: en('Undo', '撤销') })).toBeVisible();
      await accessible(app, 'deleted');
      await app.getByRole('button', { name: en('Undo', '撤销') }).click();

      await app.getByRole('link', { name: en('Write', '写作'), exact: true }).click();
      await app.getByRole('textbox', { name: en('Text to work on', '要处理的文字') }).fill(DRAFT);
      await accessible(app, 'write');
      await shot(app, `write-${variant.name}`);
      await app.getByRole('button', { name: en('Proofread', '校对') }).click();
      await expect(app.locator('.change').first()).toBeVisible({ timeout: 60_000 });
      await accessible(app, 'difference');
      await shot(app, `difference-${variant.name}`);
      await app.keyboard.press('Enter');
      await app.keyboard.press('Delete');
      await accessible(app, 'difference, two decided');

      await app.getByRole('button', { name: en('Hide sidebar', '隐藏边栏') }).click();
      await accessible(app, 'without sidebar');
    });

    test('quick prompt', async ({ app }) => {
      await app.setViewportSize({ width: 720, height: 520 });
      await app.evaluate(() => (location.hash = '#/prompt'));
      await accessible(app, 'quick prompt');
      await app.evaluate((t) => navigator.clipboard.writeText(t), PASTED);
      await app.locator('.prompt textarea').press('Control+v');
      await expect(app.locator('.command')).toHaveCount(9);
      await accessible(app, 'quick prompt with a text');
      await shot(app, `prompt-${variant.name}`);
      await app.keyboard.press('2');
      await expect(app.locator('.change').first()).toBeVisible({ timeout: 60_000 });
      await accessible(app, 'quick prompt with a difference');
    });
  });
}

test('larger text and a narrow window clip nothing', async ({ app }) => {
  await app.setViewportSize({ width: 480, height: 400 });
  await expect(app.locator('.sidebar.collapsed')).toBeVisible();
  await accessible(app, 'narrow');
  const overflow = await app.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test('theme and language change at once and stay', async ({ app }) => {
  await app.getByRole('button', { name: 'Settings', exact: true }).click();
  await app.getByLabel('Appearance').selectOption('dark');
  await expect(app.locator('html')).toHaveAttribute('data-theme', 'dark');
  await app.getByLabel('Language').selectOption('zh-Hans');
  await expect(app.getByRole('dialog')).toContainText('设置');
  await app.reload();
  await expect(app.locator('html')).toHaveAttribute('lang', 'zh-Hans');
  await expect(app.locator('html')).toHaveAttribute('data-theme', 'dark');
  await app.getByRole('button', { name: '设置', exact: true }).click();
  await app.getByLabel('语言').selectOption('system');
  await app.getByLabel('Appearance').selectOption('system');
  await expect(app.locator('html')).toHaveAttribute('data-theme', 'light');
});
