// What was replaced in other programs: the original comes back after a crash, and is erased when it is wanted.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Replacement } from '../src/lib/api/types';
import { accessible, expect, test, type Qwill } from './qwill';

/** Adds what the window keeps before it replaces a text: there is no other program to replace one in here. */
function replaced(qwill: Qwill, id: string, original: string, result: string) {
  const script =
    'import sqlite3,sys,time\nwith sqlite3.connect(sys.argv[1], timeout=10) as db: ' +
    'db.execute("INSERT INTO history VALUES (?,?,?,?,?,?)", (sys.argv[2], int(time.time()*1000), "Text Editor", "proofread", sys.argv[3], sys.argv[4]))';
  const done = spawnSync('python3', ['-c', script, join(qwill.home, 'data', 'qwill.db'), id, original, result]);
  expect(done.status, done.stderr.toString()).toBe(0);
}

async function privacy(page: import('@playwright/test').Page) {
  await page.getByRole('navigation').getByRole('button', { name: 'Settings' }).click();
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByRole('button', { name: 'Privacy', exact: true }).click();
  return dialog.getByRole('group', { name: 'Replaced texts' });
}

const kept = async (qwill: Qwill) => ((await qwill.get('/history')) as Replacement[]).map((r) => r.id);

test('an original is restored after a crash, and erased one by one and whole', async ({ app, qwill, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  let history = await privacy(app);
  await expect(history).toContainText('Nothing was replaced in the last 24 hours.');
  await accessible(app, 'empty history');

  for (const n of ['1', '2', '3']) replaced(qwill, n, `He go home ${n}.\n\tTwice.`, `He goes home ${n}.\n\tTwice.`);
  await qwill.stop('SIGKILL');
  await qwill.start();
  await app.goto(qwill.url);
  history = await privacy(app);
  const entries = history.getByRole('listitem');
  await expect(entries).toHaveCount(3);
  const first = entries.filter({ hasText: 'home 1' });
  await expect(first).toContainText('Text Editor');
  await expect(first).toContainText('Proofread');

  await first.getByText('Difference').click();
  await expect(first.locator('del')).toHaveText('go');
  await expect(first.locator('ins')).toHaveText('goes');
  await accessible(app, 'history');
  await history.scrollIntoViewIfNeeded();
  if (process.env['QWILL_SHOTS']) await app.screenshot({ path: join(process.env['QWILL_SHOTS'], 'history.png') });
  await first.getByRole('button', { name: 'Restore original' }).focus();
  await app.keyboard.press('Enter');
  await expect.poll(() => app.evaluate(() => navigator.clipboard.readText())).toBe('He go home 1.\n\tTwice.');
  expect(qwill.run('history', 'restore', '1')).toBe('He go home 1.\n\tTwice.');

  await first.getByRole('button', { name: 'Erase' }).click();
  await expect(entries).toHaveCount(2);
  expect((await kept(qwill)).sort()).toEqual(['2', '3']);
  await history.getByRole('button', { name: 'Erase all' }).click();
  await app.getByRole('alertdialog').getByRole('button', { name: 'Erase all' }).click();
  await expect(history).toContainText('Nothing was replaced');
  expect(await kept(qwill)).toEqual([]);
});

test('what a result replaced in the writing view is restored there, and after a crash', async ({ app, qwill }) => {
  const TEXT = 'i has went to the the market yesterday and buyed three apple.';
  const paper = app.getByRole('textbox', { name: 'Text to work on' });
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  await paper.fill(TEXT);
  await app.getByRole('button', { name: 'Proofread' }).click();
  await expect(app.locator('.change').first()).toBeFocused({ timeout: 60_000 });
  // The first change is taken, the others are not.
  await app.keyboard.press('Enter');
  while (await app.locator('.change.open').count()) await app.keyboard.press('Delete');
  const replace = () => app.getByRole('button', { name: 'Work on the result' }).click();
  await replace();
  await expect(paper).not.toHaveValue(TEXT);
  const result = await paper.inputValue();
  const [entry] = (await qwill.get('/history')) as Replacement[];
  expect(entry).toMatchObject({ where: 'write', command: 'proofread', original: TEXT, result });
  const toasts = app.getByRole('region', { name: 'Messages of Qwill' });
  await toasts.getByRole('button', { name: 'Restore original' }).click();
  await expect(paper).toHaveValue(TEXT);

  await paper.fill(result);
  let history = await privacy(app);
  await expect(history.getByRole('listitem')).toHaveCount(1);
  await history.getByRole('button', { name: 'Restore original' }).click();
  await expect(toasts).toContainText('The original is back in its place.');
  await app.keyboard.press('Escape');
  await expect(paper).toHaveValue(TEXT);

  await qwill.stop('SIGKILL');
  await qwill.start();
  await app.goto(qwill.url);
  history = await privacy(app);
  await expect(history.getByRole('listitem')).toContainText('Proofread');
  await history.getByRole('button', { name: 'Restore original' }).click();
  await expect.poll(() => app.evaluate(() => navigator.clipboard.readText())).toBe(TEXT);
  await qwill.call('DELETE', '/history', undefined);
});

test('switched off, nothing of it is left', async ({ app, qwill }) => {
  replaced(qwill, '4', 'a', 'b');
  const history = await privacy(app);
  await expect(history.getByRole('listitem')).toHaveCount(1);
  const choice = app.getByRole('switch', { name: 'Keep originals for 24 hours' });
  await choice.click();
  await expect(history).toContainText('Nothing is kept.');
  await expect.poll(() => kept(qwill)).toEqual([]);
  await choice.click();
  await expect(history).toContainText('Nothing was replaced');
});
