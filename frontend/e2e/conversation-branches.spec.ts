// What can be done to messages once they are there: versions, continue, fork, delete; and where the focus is then.
import type { Page } from '@playwright/test';
import { join } from 'node:path';
import type { Chat, Model } from '../src/lib/api/types';
import { accessible, answers, expect, finished, lastAnswer, lastText, LONG, send, test, written } from './qwill';
import { asked, seed } from './seed';

const mine = (page: Page) => page.getByRole('article', { name: 'You' });
const composer = (page: Page) => page.locator('[data-composer]');
const announced = (page: Page) => page.locator('[aria-live="polite"]');

async function menu(page: Page, article: ReturnType<Page['locator']>, item: string) {
  await article.hover();
  await article.getByRole('button', { name: 'More for this message' }).click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

test.beforeAll(({ qwill }) => qwill.call('PUT', '/settings', { sampling: { max_tokens: 24, temperature: 0.9 } }));
test.afterAll(({ qwill }) => qwill.call('PUT', '/settings', { sampling: {} }));

test('an edited message keeps its versions, which one steps through by the keyboard', async ({ app }) => {
  await send(app, 'Name a fruit.');
  await finished(app);
  const first = await written(app, 3);
  await mine(app).hover();
  await mine(app).getByRole('button', { name: 'Edit', exact: true }).click();
  const edit = app.getByRole('textbox', { name: 'Edit your message' });
  await expect(app.getByText('The earlier one stays')).toBeVisible();
  await edit.fill('Name a tree.');
  await edit.press('Enter');
  await expect(composer(app)).toBeFocused();
  await expect(mine(app).getByRole('group', { name: 'Version 2 of 2' })).toBeVisible();
  await finished(app);

  await mine(app).getByRole('button', { name: 'Earlier version' }).click();
  await expect(mine(app)).toContainText('Name a fruit.');
  await expect(lastText(app)).toHaveText(first, { useInnerText: true });
  await expect(mine(app).getByRole('button', { name: 'Earlier version' })).toBeFocused();
  await expect(announced(app)).toContainText('Version 1 of 2');
  await app.keyboard.press('ArrowRight');
  await expect(mine(app)).toContainText('Name a tree.');
  await app.keyboard.press('ArrowLeft');
  await expect(mine(app)).toContainText('Name a fruit.');
  await accessible(app, 'versions of a message');
  await app.reload();
  await expect(mine(app)).toContainText('Name a fruit.');
});

test('an answer is written again beside the first, and each version is kept', async ({ app }) => {
  await send(app, 'Tell me a short story.');
  await finished(app);
  const first = await written(app, 3);
  await lastAnswer(app).getByRole('button', { name: 'Write again' }).click();
  await expect(composer(app)).toBeFocused();
  await expect(answers(app)).toHaveCount(1);
  await finished(app);
  await expect(lastAnswer(app).getByRole('group', { name: 'Version 2 of 2' })).toBeVisible();
  await lastAnswer(app).getByRole('button', { name: 'Earlier version' }).click();
  await expect(lastText(app)).toHaveText(first, { useInnerText: true });
});

test('a stopped answer is continued where it ended', async ({ app, qwill }) => {
  await qwill.call('PUT', '/settings', { sampling: { temperature: 0 } });
  await send(app, LONG);
  await written(app, 60);
  await app.keyboard.press('Escape');
  await finished(app);
  const before = await written(app, 3);
  await lastAnswer(app).getByRole('button', { name: 'Continue', exact: true }).click();
  await expect(composer(app)).toBeFocused();
  const after = await written(app, before.length + 30);
  expect(after.startsWith(before.trimEnd().slice(0, -1))).toBe(true);
  await app.keyboard.press('Escape');
  await finished(app);
  await expect(answers(app)).toHaveCount(1);
  await qwill.call('PUT', '/settings', { sampling: { max_tokens: 24, temperature: 0.9 } });
});

test('an answer that reached its length limit offers to go on', async ({ app }) => {
  await send(app, LONG);
  await finished(app);
  await expect(lastAnswer(app)).toContainText('The answer reached its length limit.');
  const before = await lastText(app).innerText();
  await lastAnswer(app).getByRole('button', { name: 'Continue', exact: true }).click();
  await written(app, before.length + 10);
  await finished(app);
});

test('a chat goes on in a new one, and the old one stays', async ({ app, qwill }) => {
  const id = await seed(qwill, 'Origin', [...asked('One?', 'First.'), ...asked('Two?', 'Second.')]);
  await app.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
  await expect(answers(app)).toHaveCount(2);
  await menu(app, answers(app).first(), 'Continue in a new chat');
  await expect(answers(app)).toHaveCount(1);
  expect(app.url()).not.toContain(id);
  await expect(composer(app)).toBeFocused();
  await app.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
  await expect(answers(app)).toHaveCount(2);
});

test('a message is deleted with what follows it, after a question', async ({ app, qwill }) => {
  const id = await seed(qwill, 'Shorter', [...asked('One?', 'First.'), ...asked('Two?', 'Second.')]);
  await app.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
  await menu(app, mine(app).last(), 'Delete');
  const question = app.getByRole('alertdialog');
  await expect(question).toContainText('everything that follows');
  await accessible(app, 'deleting a message');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(answers(app)).toHaveCount(2);
  await menu(app, mine(app).last(), 'Delete');
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(answers(app)).toHaveCount(1);
  await expect(composer(app)).toBeFocused();
  await app.reload();
  await expect(answers(app)).toHaveCount(1);
  await expect(mine(app)).toHaveCount(1);
});

test('the statistics show under the pointer and with the focus', async ({ app }) => {
  await send(app, 'Hi');
  await finished(app);
  const note = lastAnswer(app).getByRole('note');
  await composer(app).hover();
  await expect(note).toHaveCSS('opacity', '0');
  await lastAnswer(app).hover();
  await expect(note).toHaveCSS('opacity', '1');
  await composer(app).hover();
  await lastAnswer(app).getByRole('button', { name: 'Copy' }).first().focus();
  await expect(note).toHaveCSS('opacity', '1');
});

test('a link to a message goes there, also in another version', async ({ app, qwill }) => {
  const many = Array.from({ length: 40 }, (_, i) =>
    asked(`Question ${i}?`, `Answer ${i}. ${'Words. '.repeat(80)}`),
  ).flat();
  const id = await seed(qwill, 'Long', many);
  const chat = (await qwill.get(`/chats/${id}`)) as { messages: { id: string }[] };
  const wanted = chat.messages[20]!.id;
  await app.goto(`${new URL(qwill.url).origin}/#/c/${id}?m=${wanted}`);
  const target = app.locator(`[data-message="${wanted}"]`);
  await expect(target).toBeFocused();
  await expect(target).toBeInViewport();
  await expect(target).toContainText('Question 10?');
});

test('an answer is written again with another model', async ({ app, qwill }) => {
  const twin = (await qwill.call('POST', '/models/import', {
    path: join(qwill.home, 'models', 'starter'),
    name: 'twin',
  })) as Model;
  try {
    await app.reload();
    const id = await seed(qwill, 'Two models', asked('Name a bird.', 'A first answer.'));
    await app.evaluate((id) => (location.hash = `#/c/${id}`), id);
    await expect(lastText(app)).toHaveText('A first answer.');
    await lastAnswer(app).hover();
    await lastAnswer(app).getByRole('button', { name: 'More for this message' }).click();
    const sub = app.getByRole('menuitem', { name: 'Write again with' });
    await sub.focus();
    await app.keyboard.press('ArrowRight');
    await app.getByRole('menuitem', { name: twin.title, exact: true }).last().click();
    await finished(app);
    await expect(lastAnswer(app).getByRole('group', { name: 'Version 2 of 2' })).toBeVisible();
    const { messages } = (await qwill.get(`/chats/${id}`)) as Chat;
    expect(messages.at(-1)).toMatchObject({ role: 'assistant', status: 'done', model: 'twin' });
    await lastAnswer(app).getByRole('button', { name: 'Earlier version' }).click();
    await expect(lastText(app)).toHaveText('A first answer.');
  } finally {
    await qwill.call('DELETE', '/models/twin', undefined);
  }
});
