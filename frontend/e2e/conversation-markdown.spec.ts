// What answers look like: formulas, tables, code; in both themes accessible, and nothing of it runs or loads.
import { accessible, expect, lastAnswer, lastText, test } from './qwill';
import { asked, seed } from './seed';

const RICH = `Euler wrote $e^{i\\pi} + 1 = 0$, for $5 and $6.

$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$

| Name | Amount |
|:-----|-------:|
| Tea  | 12     |

- [x] done
- [ ] open

A note[^1].

\`\`\`go
func main() { println("hi") }
\`\`\`

\`\`\`text
${Array.from({ length: 300 }, (_, i) => `line ${i + 1} ${'wide '.repeat(i === 0 ? 60 : 1)}`).join('\n')}
\`\`\`

[^1]: The note itself.`;

test('formulas, tables, lists and code are set, by a worker', async ({ app, qwill }) => {
  const id = await seed(qwill, 'Rich', asked('Show all.', RICH));
  const fonts: string[] = [];
  app.on('response', (r) => /KaTeX.*woff2/.test(r.url()) && r.ok() && fonts.push(r.url()));
  await app.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
  const answer = lastText(app);
  await expect(answer.locator('.katex')).toHaveCount(2);
  expect(app.workers().map((w) => w.url())).toEqual([expect.stringContaining('worker')]);
  await expect(answer.locator('math annotation').first()).toHaveText('e^{i\\pi} + 1 = 0');
  await expect(answer.locator('p').first()).toContainText('for $5 and $6.');
  await expect.poll(() => fonts.length).toBeGreaterThan(0);
  await expect(answer.getByRole('columnheader', { name: 'Amount' })).toBeVisible();
  await expect(answer.getByRole('img', { name: 'Done' })).toBeVisible();
  await expect(answer.locator('p.footnote')).toHaveText('1 The note itself.');
  await expect(answer.locator('.hljs-keyword')).toHaveText('func');

  const all = answer.getByRole('button', { name: 'Show all 300 lines' });
  const code = answer.locator('figure').last();
  const folded = (await code.boundingBox())!.height;
  await all.click();
  expect((await code.boundingBox())!.height).toBeGreaterThan(folded * 4);
  await expect(answer.getByRole('button', { name: 'Show fewer lines' })).toBeFocused();
  // Wide code scrolls in its own box.
  expect(await code.locator('pre').evaluate((n) => n.scrollWidth > n.clientWidth)).toBe(true);
  expect(await app.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await code.getByRole('button', { name: 'Copy code' }).click();
  expect((await app.evaluate(() => navigator.clipboard.readText())).split('\n')).toHaveLength(300);
  await accessible(app, 'a rich answer');
  await app.emulateMedia({ colorScheme: 'dark' });
  await accessible(app, 'a rich answer, dark');

  await lastAnswer(app).hover();
  await lastAnswer(app).getByRole('button', { name: 'More for this message' }).click();
  await app.getByRole('menuitem', { name: 'Copy as plain text' }).click();
  const plain = await app.evaluate(() => navigator.clipboard.readText());
  expect(plain).toContain('Euler wrote e^{i\\pi} + 1 = 0, for $5 and $6.');
  expect(plain).toContain('Tea\t12');
  expect(plain).not.toContain('|');
  await lastAnswer(app).getByRole('button', { name: 'More for this message' }).click();
  await app.getByRole('menuitem', { name: 'Copy as Markdown' }).click();
  expect(await app.evaluate(() => navigator.clipboard.readText())).toBe(RICH);
});

test('what a model writes neither runs nor loads anything', async ({ app, qwill }) => {
  const hostile = [
    '<img src="https://example.com/a.png" onerror="window.hacked = 1">',
    '![beacon](https://example.com/b.png)',
    '<script>window.hacked = 2</script>',
    '[click](javascript:window.hacked=3)',
    '$\\href{javascript:window.hacked=4}{x}$ $\\includegraphics{https://example.com/c.png}$',
    '$\\kern-2000em\\rule{2000em}{2000em}$',
    '<iframe src="https://example.com"></iframe><style>body{display:none}</style>',
  ].join('\n\n');
  const id = await seed(qwill, 'Hostile', asked('x', hostile));
  const { origin } = new URL(qwill.url);
  const elsewhere: string[] = [];
  app.on('request', (r) => !r.url().startsWith(origin) && !r.url().startsWith('data:') && elsewhere.push(r.url()));
  await app.goto(`${origin}/#/c/${id}`);
  await expect(lastText(app)).toContainText('window.hacked = 2');
  await expect(lastText(app).locator('.katex').first()).toBeAttached();
  await expect(app.locator('[data-composer]')).toBeVisible();
  expect(await app.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
  expect(elsewhere).toEqual([]);
});
