import { answers, expect, finished, lastAnswer, lastText, LONG, Qwill, send, sleep, test, written } from './qwill';

test('killing the engine in the middle of an answer loses nothing, and the next message works', async ({
  app,
  qwill,
}) => {
  await send(app, LONG);
  const before = await written(app, 60);
  const pid = qwill.enginePid();
  expect(pid).toBeGreaterThan(1);
  process.kill(pid!, 'SIGKILL');
  await finished(app);
  expect((await lastText(app).innerText()).startsWith(before.slice(0, 50))).toBe(true);
  await expect(lastAnswer(app).getByRole('button', { name: 'Write again' })).toBeVisible();

  await send(app, 'Say hello.');
  await expect(answers(app)).toHaveCount(2);
  await written(app, 1);
  await finished(app);
  await expect(lastAnswer(app).getByRole('note')).toBeVisible();
  expect(qwill.enginePid()).not.toBe(pid);
});

test('killing the app in the middle of an answer keeps it, marked as interrupted', async ({ page }) => {
  const qwill = new Qwill();
  try {
    await qwill.start();
    await page.goto(qwill.url);
    await send(page, LONG);
    await written(page, 80);
    await sleep(1500);
    const before = await lastText(page).innerText();
    await qwill.stop('SIGKILL');
    await expect(page.getByText('Qwill does not answer. Trying again…')).toBeVisible();

    await qwill.start();
    await page.goto(qwill.url);
    await page.locator('.chats a').first().click();
    await expect(lastAnswer(page)).toContainText('Interrupted. What was written so far is safe.');
    // Painted a moment later: the text is parsed beside the page.
    expect((await written(page, 50)).startsWith(before.slice(0, 50))).toBe(true);
    await lastAnswer(page).getByRole('button', { name: 'Write again' }).click();
    await written(page, 10);
    await page.keyboard.press('Escape');
    await finished(page);
  } finally {
    await qwill.stop();
    qwill.clean();
  }
});
