// What is shown while an answer is on its way. The starter does not think, and a queue or a load passes in
// moments, so the reply's stream is put in at the network here, in the words of docs/http-api.md; the rest is real.
import type { Page } from '@playwright/test';
import type { Chat, Message } from '../src/lib/api/types';
import { accessible, expect, lastAnswer, test, type Qwill } from './qwill';
import { asked, seed } from './seed';

const THOUGHTS = 'The user wants a colour. Blue is a common answer, so I will say blue.';

type Event = [name: string, data: unknown];

/** Opens a chat whose last reply is still being written, with these events so far and none after them. */
async function replying(page: Page, qwill: Qwill, status: Message['status'], events: Event[], place?: number) {
  const id = await seed(qwill, 'Progress', asked('Name a colour.', 'Blue.'));
  const change = (chat: Chat) => {
    const reply = { ...chat.messages.at(-1)!, status, content: '', reasoning: '' };
    return { ...chat, replying: true, messages: [...chat.messages.slice(0, -1), reply], reply };
  };
  const real = change((await qwill.get(`/chats/${id}`)) as Chat);
  await page.route(`**/api/chats/${id}`, async (route) => route.fulfill({ json: real }));
  await page.route(`**/api/chats/${id}/stream`, (route) =>
    route.fulfill({
      contentType: 'text/event-stream',
      body: [['snapshot', real.reply] as Event, ...events]
        .map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
        .join(''),
    }),
  );
  if (place) {
    await page.route('**/api/chats', async (route) => {
      const chats = (await (await route.fetch()).json()) as Chat[];
      await route.fulfill({ json: chats.map((c) => (c.id === id ? { ...c, replying: true, waiting: place } : c)) });
    });
    await page.route('**/api/state', async (route) => {
      const state = (await (await route.fetch()).json()) as { chats: Chat[] };
      state.chats = state.chats.map((c) => (c.id === id ? { ...c, replying: true, waiting: place } : c));
      await route.fulfill({ json: state });
    });
  }
  await page.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
  if (place) await page.reload();
  return real.reply;
}

test('thinking is one line while it lasts and after, and opens', async ({ app, qwill }) => {
  await replying(app, qwill, 'writing', [['delta', { reasoning: THOUGHTS }]]);
  const line = lastAnswer(app).getByRole('button', { name: 'Thinking…' });
  await expect(line).toHaveAttribute('aria-expanded', 'false');
  await expect(lastAnswer(app)).not.toContainText('The user wants');
  await line.press('Enter');
  await expect(lastAnswer(app)).toContainText(THOUGHTS);
  await accessible(app, 'thinking');
});

test('afterwards it says how long it was thought', async ({ app, qwill }) => {
  const reply = await seed(qwill, 'Thought', asked('Name a colour.', 'Blue.'));
  const chat = (await qwill.get(`/chats/${reply}`)) as Chat;
  const thought = { ...chat.messages.at(-1)!, reasoning: THOUGHTS, reasoning_ms: 12_300 };
  await app.route(`**/api/chats/${reply}`, (route) =>
    route.fulfill({ json: { ...chat, messages: [chat.messages[0], thought] } }),
  );
  await app.goto(`${new URL(qwill.url).origin}/#/c/${reply}`);
  const line = lastAnswer(app).getByRole('button', { name: 'Thought for 12s' });
  await expect(line).toBeVisible();
  await expect(lastAnswer(app)).toContainText('Blue.');
  await line.click();
  await expect(lastAnswer(app)).toContainText('so I will say blue');
  await accessible(app, 'thoughts');
});

test('reading says how far it is', async ({ app, qwill }) => {
  await replying(app, qwill, 'writing', [['prefill', { cached: 100, done: 1240, total: 3400 }]]);
  await expect(lastAnswer(app)).toContainText('Reading 1,240 of 3,400 tokens');
  const bar = lastAnswer(app).getByRole('progressbar');
  await expect(bar).toHaveAttribute('value', '1240');
  await accessible(app, 'reading');
});

test('loading says how far it is', async ({ app, qwill }) => {
  await replying(app, qwill, 'writing', [['loading', { percent: 37 }]]);
  await expect(lastAnswer(app)).toContainText('Loading the model, 37%');
});

test('a reply that waits says its place', async ({ app, qwill }) => {
  await replying(app, qwill, 'queued', [], 2);
  await expect(lastAnswer(app)).toContainText('Waiting, 2nd in line');
});

test('a reply that pauses says so, and goes on', async ({ app, qwill }) => {
  await replying(app, qwill, 'writing', [
    ['delta', { text: 'Blue is ' }],
    ['paused', {}],
  ]);
  await expect(lastAnswer(app)).toContainText('Paused while another text is being written');
  await expect(lastAnswer(app).locator('.prose')).toHaveText('Blue is');
  await replying(app, qwill, 'writing', [
    ['delta', { text: 'Blue is ' }],
    ['paused', {}],
    ['resumed', {}],
  ]);
  await expect(lastAnswer(app).locator('.prose')).toHaveText('Blue is');
  await expect(lastAnswer(app)).not.toContainText('Paused');
});
