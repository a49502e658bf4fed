import { answers, expect, finished, lastAnswer, lastText, LONG, send, sleep, test, written } from './qwill';

test('an answer streams, and is kept with its statistics', async ({ app }) => {
  await send(app, 'Say hello in one sentence.');
  await expect(app.getByRole('article', { name: 'You' })).toContainText('Say hello in one sentence.');
  await written(app, 3);
  await finished(app);
  await expect(lastAnswer(app).getByRole('note')).toContainText(/tokens\/s.*first token.*tokens/);
  await expect(app).toHaveURL(/#\/c\//);
  const text = await written(app, 3);
  await app.reload();
  await expect(lastText(app)).toHaveText(text, { useInnerText: true });
  // The second turn has the first one in its cache.
  await send(app, 'And now goodbye.');
  await expect(answers(app)).toHaveCount(2);
  await finished(app);
  await expect(lastAnswer(app).getByRole('note')).toContainText('from cache');
  await expect(app.getByRole('button', { name: /^Context .* full$/ })).toBeVisible();
});

test('the words arrive while the answer is being written', async ({ app }) => {
  await send(app, LONG);
  const lengths = new Set<number>();
  for (let i = 0; i < 40 && lengths.size < 5; i++) {
    lengths.add((await lastText(app).count()) ? (await lastText(app).innerText()).length : 0);
    await sleep(100);
  }
  expect(lengths.size).toBeGreaterThanOrEqual(4);
  await app.keyboard.press('Escape');
  await finished(app);
});

test('Stop and Escape keep what was written', async ({ app }) => {
  await send(app, LONG);
  const before = await written(app, 40);
  await app.getByRole('button', { name: 'Stop' }).click();
  await finished(app);
  expect((await lastText(app).innerText()).startsWith(before.slice(0, 30))).toBe(true);
  await expect(lastAnswer(app)).toContainText('Stopped here.');
  const text = await written(app, 3);
  await app.reload();
  await expect(lastText(app)).toHaveText(text, { useInnerText: true });

  await send(app, LONG);
  await expect(answers(app)).toHaveCount(2);
  await written(app, 20);
  await app.keyboard.press('Escape');
  await finished(app);
  await expect(app.getByRole('button', { name: 'Send' })).toBeVisible();
});

test('a sent message is edited, also with arrow-up, and the answer is written again', async ({ app }) => {
  await send(app, 'Name a fruit.');
  await finished(app);
  await app.locator('[data-composer]').press('ArrowUp');
  const edit = app.getByRole('textbox', { name: 'Edit your message' });
  await expect(edit).toBeFocused();
  await expect(edit).toHaveValue('Name a fruit.');
  await edit.press('Escape');
  await expect(edit).toHaveCount(0);
  await expect(app.locator('[data-composer]')).toBeFocused();

  await app.getByRole('article', { name: 'You' }).hover();
  await app.getByRole('button', { name: 'Edit', exact: true }).click();
  await edit.fill('Name a tree.');
  await edit.press('Enter');
  await expect(app.getByRole('article', { name: 'You' })).toContainText('Name a tree.');
  await finished(app);
  await expect(answers(app)).toHaveCount(1);
  await app.reload();
  await expect(app.getByRole('article', { name: 'You' })).toContainText('Name a tree.');
});

test('an answer is written again', async ({ app }) => {
  await send(app, 'Tell me a short story.');
  await finished(app);
  await app.getByRole('button', { name: 'Write again' }).click();
  await expect(app.getByRole('button', { name: 'Stop' })).toBeVisible();
  await app.keyboard.press('Escape');
  await finished(app);
  await expect(answers(app)).toHaveCount(1);
});

test('the title above a chat renames it', async ({ app }) => {
  await send(app, 'Hi');
  await finished(app);
  await app.getByRole('heading', { level: 1 }).getByRole('button').click();
  const field = app.getByRole('textbox', { name: 'Chat title' });
  await expect(field).toBeFocused();
  await field.fill('Zebra crossings');
  await field.press('Enter');
  await expect(app.getByRole('link', { name: 'Zebra crossings' })).toBeVisible();
  await expect(app.getByRole('heading', { level: 1 }).getByRole('button')).toBeFocused();
});

test('the chat keeps its own system prompt and sampling', async ({ app }) => {
  await send(app, 'Hi');
  await finished(app);
  await app.getByRole('button', { name: 'Chat settings' }).click();
  const dialog = app.getByRole('dialog');
  await dialog.getByLabel('System prompt').fill('You are a pirate.');
  await dialog.getByLabel('Temperature').fill('0');
  await dialog.getByLabel('Longest answer').fill('12');
  await dialog.getByLabel('Longest answer').blur();
  await app.keyboard.press('Escape');
  await expect(app.getByRole('button', { name: 'Chat settings' })).toBeFocused();
  await app.reload();
  await expect(lastText(app)).toBeVisible();
  await app.getByRole('button', { name: 'Chat settings' }).click();
  await expect(dialog.getByLabel('System prompt')).toHaveValue('You are a pirate.');
  await expect(dialog.getByLabel('Temperature')).toHaveValue('0');
  await app.keyboard.press('Escape');
  await expect(app.getByRole('button', { name: 'Chat settings' })).toBeFocused();
  await send(app, LONG);
  await expect(answers(app)).toHaveCount(2);
  await finished(app);
  await expect(lastAnswer(app).getByRole('note')).toContainText('12 tokens');
  await expect(lastAnswer(app)).toContainText('The answer reached its length limit.');
});

test('a reload in the middle of an answer goes on with it', async ({ app }) => {
  await send(app, LONG);
  const before = await written(app, 60);
  await app.reload();
  await expect(lastText(app)).toBeVisible();
  const after = await written(app, before.length + 40);
  expect(after.startsWith(before.slice(0, 40))).toBe(true);
  await expect(app.getByRole('button', { name: 'Stop' })).toBeVisible();
  await app.keyboard.press('Escape');
  await finished(app);
});

test('an input method’s Return does not send', async ({ app }) => {
  const field = app.locator('[data-composer]');
  await field.fill('nihao');
  await field.evaluate((node) => {
    const press = (init: KeyboardEventInit & { keyCode?: number }) =>
      node.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init }));
    press({ isComposing: true });
    press({ keyCode: 229 } as KeyboardEventInit);
  });
  await field.press('Shift+Enter');
  await expect(field).toHaveValue('nihao\n');
  await expect(app.getByRole('article')).toHaveCount(0);
});

test('what was typed and not sent survives going elsewhere', async ({ app }) => {
  await app.locator('[data-composer]').fill('half a thought');
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  await app.reload();
  await app.getByRole('button', { name: 'New chat' }).click();
  await expect(app.locator('[data-composer]')).toHaveValue('half a thought');
  await app.locator('[data-composer]').fill('');
});

test('the page does not follow a reader who scrolled up', async ({ app }) => {
  await app.setViewportSize({ width: 900, height: 400 });
  await send(app, LONG);
  await written(app, 900);
  const scroller = app.getByRole('region', { name: 'Conversation' });
  await scroller.hover();
  await app.mouse.wheel(0, -400);
  const pill = app.getByRole('button', { name: 'Jump to latest' });
  await expect(pill).toBeVisible();
  const top = await scroller.evaluate((n) => n.scrollTop);
  const length = (await lastText(app).innerText()).length;
  await written(app, length + 60);
  expect(await scroller.evaluate((n) => n.scrollTop)).toBe(top);
  await pill.click();
  await expect(pill).toHaveCount(0);
  await expect.poll(() => scroller.evaluate((n) => n.scrollHeight - n.scrollTop - n.clientHeight)).toBeLessThan(40);
  await app.keyboard.press('Escape');
  await finished(app);
});
