import { accessible, expect, test } from './qwill';

test('a command of one’s own is made, tried, used and deleted with a way back', async ({ app, qwill }) => {
  await app.keyboard.press('Control+,');
  await app
    .getByRole('tab', { name: 'Commands' })
    .or(app.getByRole('button', { name: 'Commands', exact: true }))
    .first()
    .click();
  await app.getByRole('button', { name: 'New command' }).click();
  await expect(app.getByLabel('Name', { exact: true })).toBeFocused();
  await expect(app.getByRole('button', { name: 'Try it' })).toBeDisabled();
  await app.getByLabel('Name', { exact: true }).fill('Plain words');
  await app.getByLabel('Instruction', { exact: true }).fill('Say it in {tone} words.');
  await app.getByRole('button', { name: 'Add an option' }).click();
  await app.getByLabel('Name in the instruction').fill('tone');
  await app.getByLabel('Title', { exact: true }).fill('Tone');
  await app.getByLabel('Value when left empty').fill('plain');
  await accessible(app, 'the editor of a command');

  await app.getByLabel('A text to try it on').fill('The feline was positioned upon the rug.');
  await app.getByRole('button', { name: 'Try it' }).click();
  await expect(app.locator('.editor .difference')).toBeVisible({ timeout: 60_000 });

  await app.getByRole('button', { name: 'Save command' }).click();
  const edit = app.getByRole('button', { name: 'Edit “Plain words”' });
  await expect(edit).toBeVisible();
  expect(await qwill.get('/commands/custom')).toMatchObject([
    {
      id: 'my-plain-words',
      title: 'Plain words',
      shape: 'diff',
      keep: true,
      options: [{ name: 'tone', default: 'plain' }],
    },
  ]);

  // A wrong one says which field, and loses nothing.
  await edit.click();
  await app.getByLabel('Name in the instruction').fill('Not a name');
  await app.getByRole('button', { name: 'Save command' }).click();
  await expect(
    app
      .getByRole('alert')
      .filter({ hasText: /option|name/i })
      .first(),
  ).toBeVisible();
  await app.getByRole('button', { name: 'Cancel' }).click();
  await expect(edit).toBeFocused();

  // It is in the writing view at once.
  await app.keyboard.press('Escape');
  await app.getByRole('link', { name: 'Write', exact: true }).click();
  await app.getByRole('textbox', { name: 'Text to work on' }).fill('The feline was positioned upon the rug.');
  await app.getByRole('button', { name: 'Plain words' }).click();
  await expect(app.getByRole('button', { name: 'Copy result' })).toBeVisible({ timeout: 60_000 });

  await app.keyboard.press('Control+,');
  await app
    .getByRole('tab', { name: 'Commands' })
    .or(app.getByRole('button', { name: 'Commands', exact: true }))
    .first()
    .click();
  await edit.click();
  await app.getByRole('button', { name: 'Delete command' }).click();
  await expect(edit).toHaveCount(0);
  await app.getByRole('button', { name: 'Undo' }).first().click();
  await expect(edit).toBeVisible();
  await qwill.call('DELETE', '/commands/custom/my-plain-words', undefined);
});
