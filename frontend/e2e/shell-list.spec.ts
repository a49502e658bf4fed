// The list of chats: pins, folders, selection, deletion and its undo, temporary chats, thousands of chats.
import type { Page } from '@playwright/test';
import type { Chat, ChatSummary, Folder } from '../src/lib/api/types';
import { accessible, expect, LONG, test, type Qwill } from './qwill';

const create = async (qwill: Qwill, ...titles: string[]) => {
  const made: Chat[] = [];
  for (const title of titles) made.push((await qwill.call('POST', '/chats', { title })) as Chat);
  return made;
};

const clear = async (qwill: Qwill) => {
  const { chats } = (await qwill.get('/state')) as { chats: ChatSummary[] };
  if (chats.length) await qwill.call('POST', '/chats/delete', { ids: chats.map((c) => c.id) });
  for (const f of (await qwill.get('/folders')) as Folder[]) await qwill.call('DELETE', `/folders/${f.id}`, undefined);
};

const link = (page: Page, title: string) =>
  page.getByRole('navigation').getByRole('link', { name: title, exact: true });
const box = (page: Page, title: string) => page.getByRole('checkbox', { name: title, exact: true });
const headings = (page: Page) => page.locator('.sidebar h2').allInnerTexts();

test.beforeEach(({ qwill }) => clear(qwill));

test('chats are pinned and put into folders by menu', async ({ app, qwill }) => {
  await create(qwill, 'Alpha', 'Beta', 'Gamma');
  await link(app, 'Beta').click({ button: 'right' });
  await app.getByRole('menuitem', { name: 'Pin' }).click();
  await expect.poll(() => headings(app)).toEqual(['Pinned', 'Today']);

  await link(app, 'Alpha').click({ button: 'right' });
  await app.getByRole('menuitem', { name: 'Move to' }).click();
  await app.getByRole('menuitem', { name: 'New folder…' }).click();
  const field = app.getByRole('textbox', { name: 'Name of the folder' });
  await expect(field).toBeFocused();
  await field.fill('Work');
  await field.press('Enter');
  const folder = app.getByRole('button', { name: /^Work/ });
  await expect(folder).toHaveAttribute('aria-expanded', 'true');
  await expect(folder).toBeFocused();
  await expect(link(app, 'Alpha')).toBeVisible();
  await accessible(app, 'pinned and folders');

  await folder.press('ArrowLeft');
  await expect(link(app, 'Alpha')).toHaveCount(0);
  await folder.press('ArrowRight');
  await folder.press('F2');
  await field.fill('Projects');
  await field.press('Enter');
  await expect(app.getByRole('button', { name: /^Projects/ })).toBeFocused();

  await app.reload();
  await expect(link(app, 'Alpha')).toBeVisible(); // still open
  await app.getByRole('button', { name: /^Projects/ }).press('Delete');
  await expect(app.getByText('Its chats stay.').first()).toBeVisible();
  await expect.poll(() => headings(app)).toEqual(['Pinned', 'Today']);
  await app.keyboard.press('Control+z');
  await expect(app.getByRole('button', { name: /^Projects/ })).toBeVisible();
  await expect.poll(() => headings(app)).toEqual(['Pinned', 'Folders', 'Today']);
});

test('chats are dragged into a folder and out again', async ({ app, qwill }) => {
  await create(qwill, 'Alpha', 'Beta');
  await qwill.call('POST', '/folders', { name: 'Work' });
  const folder = app.getByRole('button', { name: /^Work/ });
  await link(app, 'Alpha').dragTo(folder);
  await expect(folder).toContainText('1');
  await expect(folder).toHaveAttribute('aria-expanded', 'true');
  await link(app, 'Alpha').dragTo(link(app, 'Beta'));
  await expect(folder).toContainText('0');
  await expect(app.getByText('Empty. Drag chats here.')).toBeVisible();
});

test('several are chosen with the keyboard, deleted and brought back', async ({ app, qwill }) => {
  await create(qwill, 'One', 'Two', 'Three', 'Four');
  await link(app, 'Four').focus();
  await app.keyboard.press('Space');
  await expect(box(app, 'Four')).toBeFocused();
  await app.keyboard.press('Shift+ArrowDown');
  await app.keyboard.press('Shift+ArrowDown');
  await expect(box(app, 'Two')).toBeChecked();
  await expect(app.getByRole('status').filter({ hasText: '3 selected' })).toBeVisible();
  await accessible(app, 'selection');
  await app.keyboard.press('Delete');
  await expect(link(app, 'One')).toBeFocused();
  await expect(link(app, 'Two')).toHaveCount(0);
  await expect(app.getByText('3 chats deleted.').first()).toBeVisible();
  // The message is reached by a key, and its button by Return.
  await app.keyboard.press('F6');
  await expect(app.getByRole('button', { name: 'Undo' })).toBeFocused();
  await accessible(app, 'undo');
  await app.keyboard.press('Enter');
  await expect(link(app, 'Two')).toBeVisible();
  await expect(link(app, 'Four')).toBeVisible();
  await app.reload();
  await expect(link(app, 'Three')).toBeVisible();

  await link(app, 'One').focus();
  await app.keyboard.press('Control+a');
  await expect(app.getByRole('checkbox', { checked: true })).toHaveCount(4);
  await app.keyboard.press('Escape');
  await expect(app.getByRole('checkbox')).toHaveCount(0);
});

test('several are chosen with the pointer and moved', async ({ app, qwill }) => {
  await create(qwill, 'One', 'Two', 'Three', 'Four');
  await qwill.call('POST', '/folders', { name: 'Work' });
  await link(app, 'Four').click({ modifiers: ['Control'] });
  await app.getByText('Two', { exact: true }).click({ modifiers: ['Shift'] });
  await expect(app.getByRole('checkbox', { checked: true })).toHaveCount(3);
  await app.getByText('Three', { exact: true }).click({ modifiers: ['Control'] });
  await expect(app.getByRole('checkbox', { checked: true })).toHaveCount(2);
  const bar = app.getByRole('region', { name: 'Selected chats' });
  await bar.getByRole('button', { name: 'Move to' }).click();
  await app.getByRole('menuitem', { name: 'Work' }).click();
  await expect(app.getByRole('button', { name: /^Work/ })).toContainText('2');
  await expect(bar).toHaveCount(0);
});

test('a deleted chat that was open is open again after undo', async ({ app, qwill }) => {
  const [chat] = await create(qwill, 'Alpha');
  await link(app, 'Alpha').click();
  await expect(app.getByRole('heading', { level: 1 })).toHaveText('Alpha');
  await link(app, 'Alpha').press('Delete');
  await expect(app.getByRole('heading', { level: 1 })).toHaveText('New chat');
  await app.locator('[data-composer]').focus();
  await app.keyboard.press('Control+z');
  await expect(app.getByRole('heading', { level: 1 })).toHaveText('Alpha');
  expect(app.url()).toContain(chat!.id);
});

test('a temporary chat says so, and leaves nothing in the list', async ({ app, qwill }) => {
  await app.keyboard.press('Control+Shift+N');
  await expect(app.getByText('This chat stays in memory only.')).toBeVisible();
  await expect.poll(() => headings(app)).toEqual(['Temporary']);
  await accessible(app, 'temporary chat');
  await app.getByRole('button', { name: 'Close and forget' }).click();
  await expect(app.getByText('This chat stays in memory only.')).toHaveCount(0);
  await expect.poll(() => headings(app)).toEqual([]);
  await expect(app.getByRole('button', { name: 'Undo' })).toHaveCount(0);
  expect(((await qwill.get('/state')) as { chats: ChatSummary[] }).chats).toEqual([]);
});

test('the list shows who writes and who waits, at which place', async ({ app, qwill }) => {
  const [first, second, third] = await create(qwill, 'First', 'Second', 'Third');
  for (const chat of [first!, second!, third!]) {
    await qwill.call('POST', `/chats/${chat.id}/messages`, { content: LONG });
  }
  await expect(link(app, 'First An answer is being written')).toBeVisible();
  await expect(link(app, 'Second Place 1 in the queue')).toBeVisible();
  await expect(link(app, 'Third Place 2 in the queue')).toBeVisible();
  await accessible(app, 'queue');
  await qwill.call('POST', `/chats/${first!.id}/stop`, undefined);
  await expect(link(app, 'Second An answer is being written')).toBeVisible();
  await expect(link(app, 'Third Place 1 in the queue')).toBeVisible();
  for (const chat of [third!, second!]) await qwill.call('POST', `/chats/${chat.id}/stop`, undefined);
  await expect(link(app, 'Second')).toBeVisible();
});

test('two thousand chats stay quick', async ({ app }) => {
  const chats = Array.from({ length: 2000 }, (_, i) => ({
    id: `id${i}`,
    title: `Chat ${i}`,
    updated: new Date(Date.now() - i * 3_600_000).toISOString(),
    model: '',
    replying: false,
    pinned: false,
    folder: '',
    temporary: false,
    door: 'chat',
  }));
  // The list alone is looked at: its chats come from here, all else from the backend.
  await app.route('**/api/state', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...((await response.json()) as object), chats } });
  });
  await app.route('**/api/chats', (route) => route.fulfill({ json: chats }));
  await app.reload();
  await expect(link(app, 'Chat 0')).toBeVisible();
  expect(await app.locator('.sidebar li').count()).toBeLessThan(80);
  await link(app, 'Chat 0').focus();
  await app.keyboard.press('End');
  await expect(link(app, 'Chat 1999')).toBeFocused();
  await expect(link(app, 'Chat 1999')).toBeInViewport();
  await app.keyboard.press('PageUp');
  await expect(link(app, 'Chat 1999')).not.toBeFocused();
  expect(await app.locator('.sidebar a:focus').count()).toBe(1);
  // A jump redraws the list in a frame or two; on a busy core the quickest of many tells the page's own share.
  const quickest = await app.evaluate(async () => {
    const list = document.querySelector('.sidebar .chats')!;
    const times: number[] = [];
    for (let i = 0; i < 21; i++) {
      const start = performance.now();
      list.scrollTop = i * 3000;
      list.dispatchEvent(new Event('scroll'));
      await Promise.resolve();
      void list.clientHeight;
      times.push(performance.now() - start);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    return Math.min(...times);
  });

  expect(quickest).toBeLessThan(50);
});

test('a chat that a terminal erased is gone when one comes back to the window', async ({ app, qwill }) => {
  const [kept, erased] = await create(qwill, 'Stays here', 'Goes elsewhere');
  await link(app, 'Goes elsewhere').click();
  await expect(app).toHaveURL(new RegExp(`/c/${erased!.id}$`));
  qwill.run('chats', 'rm', erased!.id);
  await app.evaluate(() => dispatchEvent(new Event('focus')));
  await expect(link(app, 'Goes elsewhere')).toHaveCount(0);
  await expect(link(app, 'Stays here')).toBeVisible();
  await expect(app).not.toHaveURL(/\/c\//);
  expect(((await qwill.get('/state')) as { chats: ChatSummary[] }).chats.map((c) => c.id)).toEqual([kept!.id]);
});
