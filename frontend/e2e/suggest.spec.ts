import type { Page } from '@playwright/test';
import { accessible, expect, test } from './qwill';

const TEXT = 'The capital of France is Paris. The capital of Italy is Rome. The capital of Germany';

const field = (page: Page) => page.getByRole('textbox', { name: 'Draft' });
const ghost = (page: Page) => page.locator('[data-ghost]');

async function open(page: Page, on: boolean) {
  await page.getByRole('link', { name: 'Draft', exact: true }).click();
  const toggle = page.getByRole('switch', { name: 'Suggest as you type' });
  if ((await toggle.isChecked()) !== on) await toggle.click();
  await expect(toggle).toBeChecked({ checked: on });
}

/** Types the end of a text and waits until something is suggested; gives it. */
async function suggested(page: Page): Promise<string> {
  // More than once where the machine is slow: the first request waits for the model too.
  await expect(async () => {
    await field(page).fill(TEXT.slice(0, -1));
    await page.waitForTimeout(300); // the paste and the key apart
    await field(page).press(TEXT.at(-1)!);
    await expect(ghost(page)).not.toHaveText('', { timeout: 8_000 });
  }).toPass({ timeout: 45_000 });
  // The whole of it: it grows no more.
  let before = '';
  await expect
    .poll(async () => {
      const now = (await ghost(page).textContent()) ?? '';
      const same = now !== '' && now === before;
      before = now;
      return same;
    })
    .toBe(true);
  return before;
}

test('Tab takes a word, Shift+Tab all, and undo takes them back', async ({ app }) => {
  await open(app, true);
  const all = await suggested(app);
  await accessible(app, 'draft with a suggestion');
  const word = /^\s*\S+/.exec(all)![0];
  await field(app).press('Tab');
  await expect(field(app)).toBeFocused();
  await expect(field(app)).toHaveValue(TEXT + word);
  await expect(ghost(app)).toHaveText(all.slice(word.length), { useInnerText: false });
  await field(app).press('Shift+Tab');
  await expect(field(app)).toHaveValue(TEXT + all);
  await field(app).press('Control+z');
  await expect(field(app)).not.toHaveValue(TEXT + all);
});

test('Escape dismisses, and Tab is the browser’s then', async ({ app }) => {
  await open(app, true);
  await suggested(app);
  await field(app).press('Escape');
  await expect(ghost(app)).toHaveText('');
  await app.getByRole('button', { name: 'Why no suggestion?' }).click();
  await expect(app.locator('[data-why]')).toHaveAttribute('data-why', 'dismissed');
  await field(app).focus();
  await field(app).press('Tab');
  await expect(field(app)).not.toBeFocused();
  await expect(field(app)).toHaveValue(TEXT);
});

test('typing what is suggested keeps it', async ({ app }) => {
  await open(app, true);
  const all = await suggested(app);
  await field(app).press(all[0] === ' ' ? 'Space' : all[0]!);
  await expect(ghost(app)).toHaveText(all.slice(1));
});

test('nothing is shown in a composition', async ({ app }) => {
  await open(app, true);
  await suggested(app);
  const cdp = await app.context().newCDPSession(app);
  await cdp.send('Input.imeSetComposition', { text: 'ni', selectionStart: 2, selectionEnd: 2 });
  await expect(ghost(app)).toHaveText('');
  await app.waitForTimeout(1500);
  await expect(ghost(app)).toHaveText('');
});

test('off, nothing is asked', async ({ app }) => {
  await open(app, false);
  const asked: string[] = [];
  app.on('request', (r) => asked.push(new URL(r.url()).pathname));
  await field(app).fill(TEXT.slice(0, -1));
  await field(app).press('y');
  await app.waitForTimeout(1000);
  await expect(ghost(app)).toHaveText('');
  expect(asked.filter((p) => p.startsWith('/api/suggest'))).toEqual([]);
  await accessible(app, 'draft without suggestions');
});
