// Export and import of chats.
import { readFileSync } from 'node:fs';
import type { Chat, ChatSummary } from '../src/lib/api/types';
import { accessible, expect, finished, send, test } from './qwill';

test('a chat is exported, deleted for good and imported again', async ({ app, qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: { max_tokens: 12 } });
  await send(app, 'Name a lake.');
  await finished(app);
  const row = app.locator('.sidebar li.current a');
  await row.press('Shift+F10');
  await app.getByRole('menuitem', { name: 'Export' }).press('ArrowRight');
  const saving = app.waitForEvent('download');
  await app.getByRole('menuitem', { name: 'Markdown' }).click();
  const markdown = await saving;
  expect(markdown.suggestedFilename()).toMatch(/\.md$/);
  expect(readFileSync(await markdown.path(), 'utf8')).toContain('Name a lake.');
  await expect(app.getByText('The chats were saved as a file.').first()).toBeVisible();

  await app.getByRole('button', { name: 'More for the list' }).click();
  await app.getByRole('menuitem', { name: 'Export all chats' }).press('ArrowRight');
  const all = app.waitForEvent('download');
  await app.getByRole('menuitem', { name: /JSON/ }).click();
  const file = await (await all).path();

  const before = (await qwill.get('/chats')) as ChatSummary[];
  await qwill.call('POST', '/chats/delete', { ids: before.map((c) => c.id) });
  await expect(app.locator('.sidebar li.chat')).toHaveCount(0);

  const choosing = app.waitForEvent('filechooser');
  await app.getByRole('button', { name: 'More for the list' }).click();
  await app.getByRole('menuitem', { name: 'Import chats…' }).click();
  await (
    await choosing
  ).setFiles([
    { name: 'qwill.json', mimeType: 'application/json', buffer: readFileSync(file) },
    { name: 'notes.json', mimeType: 'application/json', buffer: Buffer.from('{"shopping": ["milk"]}') },
  ]);
  const dialog = app.getByRole('dialog', { name: 'Import chats' });
  await expect(dialog).toContainText('1 chat imported.');
  await expect(dialog).toContainText('1 was left out:');
  await accessible(app, 'import');
  await dialog.locator('ul.chats-in button').click();
  await expect(app.getByRole('article', { name: 'You' })).toHaveText('Name a lake.');
  const back = (await qwill.get(`/chats/${((await qwill.get('/chats')) as ChatSummary[])[0]!.id}`)) as Chat;
  expect(back.messages).toHaveLength(2);
  await qwill.call('PUT', '/settings', { sampling: {} });
});

test('files dropped on the list are imported', async ({ app }) => {
  const conversation = JSON.stringify([
    {
      title: 'From elsewhere',
      create_time: 1_700_000_000,
      mapping: {
        a: { id: 'a', parent: null, children: ['b'], message: null },
        b: {
          id: 'b',
          parent: 'a',
          children: [],
          message: {
            author: { role: 'user' },
            create_time: 1_700_000_001,
            content: { content_type: 'text', parts: ['Hello from elsewhere'] },
          },
        },
      },
      current_node: 'b',
    },
  ]);
  const transfer = await app.evaluateHandle((text) => {
    const data = new DataTransfer();
    data.items.add(new File([text], 'conversations.json', { type: 'application/json' }));
    return data;
  }, conversation);
  await app.dispatchEvent('.sidebar', 'dragover', { dataTransfer: transfer });
  await expect(app.getByText('Drop the files to import their chats')).toBeVisible();
  await app.dispatchEvent('.sidebar', 'drop', { dataTransfer: transfer });
  await expect(app.getByRole('dialog', { name: 'Import chats' })).toContainText('1 chat imported.');
  await app.keyboard.press('Escape');
  await app.getByRole('link', { name: 'From elsewhere' }).click();
  await expect(app.getByRole('article', { name: 'You' })).toHaveText('Hello from elsewhere');
});
