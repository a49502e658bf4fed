// Every part of the window at 150 % text, in a narrow window, in both languages and themes: nothing is cut off, and
// axe-core finds nothing.
import type { Page } from '@playwright/test';
import type { Chat, Folder } from '../src/lib/api/types';
import { accessible, expect, test } from './qwill';

/** Texts that are wider or higher than the place they have, and what sticks out of the window. */
const cut = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is wider than the window`);
    const all = 'button, label, h1, h2, h3, h4, p, a, select, summary, dt, dd, th, td, [role="menuitem"]';
    for (const e of document.querySelectorAll<HTMLElement>(all)) {
      if (!e.checkVisibility() || e.closest('.hidden-text, .skip, svg') || e.offsetWidth <= 1) continue;
      const style = getComputedStyle(e);
      const name = `${e.tagName} “${e.innerText.slice(0, 40)}”`;
      if (e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll')) found.push(`${name} sticks out`);
      // A title that is too long ends with an ellipsis on purpose.
      if (style.display === 'inline' || style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') continue;
      if (e.scrollWidth > e.clientWidth + 2) found.push(`${name} is cut at its side`);
      if (e.scrollHeight > e.clientHeight + 3) found.push(`${name} is cut at its foot`);
    }
    return [...new Set(found)];
  });

for (const v of [
  { name: 'large text, dark', language: 'en', theme: 'dark', size: 150, width: 420, height: 740 },
  { name: 'a narrow window, Chinese', language: 'zh-Hans', theme: 'light', size: 100, width: 420, height: 740 },
  { name: 'large text, Chinese', language: 'zh-Hans', theme: 'dark', size: 150, width: 1000, height: 700 },
] as const) {
  test(v.name, async ({ app, qwill }) => {
    test.setTimeout(240_000);
    const folder = (await qwill.call('POST', '/folders', { name: `Work ${v.name}` })) as Folder;
    const titles = ['Letter to the landlord', 'Minutes', 'A rather long title that does not fit into the sidebar'];
    const [pinned, filed] = (await Promise.all(
      titles.map((title) => qwill.call('POST', '/chats', { title })),
    )) as Chat[];
    await qwill.call('PATCH', `/chats/${pinned!.id}`, { pinned: true });
    await qwill.call('PATCH', `/chats/${filed!.id}`, { folder: folder.id });
    await qwill.call('PUT', '/settings', { language: v.language, theme: v.theme, text_size: v.size });
    await app.setViewportSize({ width: v.width, height: v.height });
    await app.reload();
    await expect(app.locator('[data-composer]')).toBeVisible();
    const check = async (what: string) => {
      await accessible(app, what);
      expect(await cut(app), what).toEqual([]);
    };
    const dialog = app.getByRole('dialog');

    await check('chat');
    const narrow = v.width < 720 * (v.size / 100);
    const openList = async () => {
      if (narrow && !(await app.locator('.sidebar.over').count())) await app.keyboard.press('Control+b');
    };
    await openList();
    await app.locator('.sidebar .folder .open').first().click();
    await check('list');
    await app.locator('.sidebar li.chat a').last().click({ button: 'right' });
    await app.getByRole('menu').getByRole('menuitem').nth(2).hover();
    await expect(app.getByRole('menu')).toHaveCount(2);
    await check('menu');
    for (const box of await app.getByRole('menu').all()) {
      const { x, width } = (await box.boundingBox())!;
      expect(x, 'a menu sticks out').toBeGreaterThanOrEqual(0);
      expect(x + width, 'a menu sticks out').toBeLessThanOrEqual(v.width);
    }
    await app.keyboard.press('Escape');
    await app.keyboard.press('Escape');
    await openList();
    await app.locator('.sidebar li.chat a').last().focus();
    await app.keyboard.press('Space');
    await check('selection');
    await app.keyboard.press('Delete');
    await expect(app.locator('.toast')).toBeVisible();
    await check('message with undo');
    await app.keyboard.press('Control+z');
    await app.locator('.sidebar input[type=search]').fill('the');
    await expect(app.locator('.sidebar mark').first()).toBeVisible();
    await check('search');
    await app.keyboard.press('Escape');

    await app.keyboard.press('Control+k');
    await expect(app.getByRole('combobox')).toBeVisible();
    await check('palette');
    await app.keyboard.press('Escape');
    await app.keyboard.press('Control+/');
    await check('shortcuts');
    await app.keyboard.press('Escape');
    await app.keyboard.press('Control+,');
    for (const part of await dialog.getByRole('navigation').getByRole('button').all()) {
      await part.click();
      await check(`settings, ${await part.innerText()}`);
    }
    await dialog.locator('#setting-introduction .control button').click();
    for (const step of ['model', 'doors', 'try']) {
      await check(`introduction, ${step}`);
      await dialog.locator('.foot .primary').click();
    }
    await qwill.call('PUT', '/settings', { language: 'system', theme: 'system', text_size: 100 });
  });
}
