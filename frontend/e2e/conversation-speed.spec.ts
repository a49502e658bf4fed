// A chat of 500 messages and a text of a megabyte at one frame per 16 ms: scrolling, typing, streaming, pasting.
// The limits leave room for a busy machine; what was measured is printed.
import type { Page } from '@playwright/test';
import type { Chat } from '../src/lib/api/types';
import { answers, expect, lastText, test } from './qwill';
import { seed, type Said } from './seed';

interface Figures {
  frames: number;
  median: number;
  p95: number;
  longest: number;
  /** Tasks over 50 ms that blocked the page, in milliseconds. */
  tasks: number[];
}

/** Starts recording the times between frames and the long tasks. */
async function record(page: Page) {
  await page.evaluate(() => {
    const state = { on: true, times: [] as number[], tasks: [] as number[] };
    (window as unknown as { recording: typeof state }).recording = state;
    const observer = new PerformanceObserver((list) => {
      if (state.on) for (const entry of list.getEntries()) state.tasks.push(Math.round(entry.duration));
    });
    observer.observe({ type: 'longtask' });
    let last = 0;
    const frame = (now: number) => {
      if (last) state.times.push(now - last);
      last = now;
      if (state.on) requestAnimationFrame(frame);
      else observer.disconnect();
    };
    requestAnimationFrame(frame);
  });
}

/** What was recorded while something was done. */
async function recorded(page: Page, what: string, act: () => Promise<unknown>): Promise<Figures> {
  await record(page);
  await act();
  const { times, tasks } = await page.evaluate(async () => {
    const { recording } = window as unknown as { recording: { on: boolean; times: number[]; tasks: number[] } };
    await new Promise((resolve) => setTimeout(resolve, 60)); // the observer's last news
    recording.on = false;
    return recording;
  });
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 10) / 10;
  const figures = { frames: times.length, median: at(0.5), p95: at(0.95), longest: at(0.9999), tasks };
  console.log(`${what}: ${JSON.stringify(figures)}`);
  return figures;
}

/**
 * Hardly a frame is late by more than two, and nothing blocks for as long as a reader notices. Other work on the
 * machine only ever makes the figures worse, so the best of three tries counts.
 */
async function smooth(page: Page, what: string, act: (attempt: number) => Promise<unknown>, block = 200) {
  for (let attempt = 0; ; attempt++) {
    const { frames, p95, tasks } = await recorded(page, what, () => act(attempt));
    const blocked = tasks.filter((t) => t > block);
    if (frames > 20 && p95 < 55 && blocked.length === 0 && tasks.length <= 6) return;
    if (attempt < 2) continue;
    expect(frames, what).toBeGreaterThan(20);
    expect(p95, `${what}: p95 of the time between frames`).toBeLessThan(55);
    expect(blocked, `${what}: tasks over ${block} ms`).toEqual([]);
    expect(tasks.length, `${what}: tasks over 50 ms`).toBeLessThanOrEqual(6);
  }
}

const PIECES = [
  'A paragraph with **bold** words, `code` and a [link](https://example.com). It goes on for a while, as answers do.',
  '- one item\n- another item\n  - nested\n- a third one with more words in it than the others',
  '```go\nfunc add(a, b int) int {\n\t// the sum\n\treturn a + b\n}\n```',
  '| Name | Amount |\n|---|--:|\n| Tea | 12 |\n| Coffee | 7 |',
  'The area is $A = \\pi r^2$, and so\n\n$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$',
  '> A quotation that somebody said.\n\n## A heading\n\nAnd a text under it, in two sentences. Here is the second.',
];

function conversation(count: number): Said[] {
  return Array.from({ length: count }, (_, i): Said => {
    if (i % 2 === 0) return { role: 'user', content: `Question number ${i / 2}? Please tell me all about it.` };
    const from = (i >> 1) % PIECES.length;
    const parts = Array.from({ length: 2 + (i % 5) }, (_, n) => PIECES[(from + n) % PIECES.length]!);
    return { role: 'assistant', content: `Answer number ${(i - 1) / 2}.\n\n${parts.join('\n\n')}` };
  });
}

/** Scrolls by wheel-sized steps, one a frame. */
const scroll = (page: Page, step: number, frames: number) =>
  page.evaluate(
    ([step, frames]) =>
      new Promise<void>((resolve) => {
        const scroller = document.querySelector('[data-scroller]')!;
        let n = 0;
        const frame = () => {
          scroller.scrollTop += step!;
          if (++n < frames!) requestAnimationFrame(frame);
          else resolve();
        };
        requestAnimationFrame(frame);
      }),
    [step, frames] as const,
  );

const MEGABYTE = 'All happy families are alike; each unhappy family is unhappy in its own way.\n'.repeat(13_700);

test.describe.configure({ mode: 'serial' });

test('500 messages: opening, scrolling and typing', async ({ app, qwill }) => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await seed(qwill, `Five hundred, ${i}`, conversation(500)));
  // Its end comes first, the rest a slice a frame. Put on the page at once, they were a task of 180 ms.
  await smooth(
    app,
    'opening',
    async (attempt) => {
      await app.evaluate((id) => (location.hash = `#/c/${id}`), ids[attempt]);
      // Not an expectation: while one does not hold, Playwright reads the whole page, a task of 600 ms by itself.
      await app.waitForFunction(() => {
        const articles = document.querySelectorAll('article');
        const text = articles[articles.length - 1]?.querySelector('.prose')?.textContent;
        return articles.length === 500 && text?.includes('Answer number 249.');
      });
    },
    120,
  );
  await expect(app.locator('article')).toHaveCount(500);
  await app.waitForTimeout(500);

  await smooth(app, 'scrolling up', () => scroll(app, -110, 200));
  await smooth(app, 'scrolling down', () => scroll(app, 110, 150));

  // What is read stays where it is while heights above it become known.
  await scroll(app, -3000, 8);
  await app.waitForTimeout(400);
  const seen = () =>
    app.evaluate(() => {
      const scroller = document.querySelector('[data-scroller]')!.getBoundingClientRect();
      const at = document.elementFromPoint(scroller.left + scroller.width / 2, scroller.top + 80)!.closest('article');
      return at && { id: at.dataset['message'], top: Math.round(at.getBoundingClientRect().top) };
    });
  const before = await seen();
  await app.waitForTimeout(600);
  expect(await seen()).toEqual(before);

  const composer = app.locator('[data-composer]');
  await smooth(app, 'typing', () =>
    composer.pressSequentially('A message that is typed while all this is open. ', { delay: 15 }),
  );
  await composer.fill('');
  // The browser's own search and a screen reader find what is far away.
  await expect(app.getByText('Question number 3?')).toHaveCount(1);
});

test('500 messages: an answer that streams quickly', async ({ app, qwill }) => {
  const id = await seed(qwill, 'Streaming', conversation(500));
  const chat = (await qwill.get(`/chats/${id}`)) as Chat;
  const reply = { ...chat.messages.at(-1)!, status: 'writing' as const, content: '' };
  const text = `${PIECES.join('\n\n')}\n\n`.repeat(20) + 'The very end.';
  let asked = 0;
  await app.route(`**/api/chats/${id}`, (route) => {
    const last = asked++ ? { ...reply, status: 'done', content: text } : reply;
    return route.fulfill({ json: { ...chat, messages: [...chat.messages.slice(0, -1), last] } });
  });
  // No model here writes as fast as the page must bear: the stream comes from the page's own network layer.
  await app.addInitScript(
    ({ id, reply, text }) => {
      const real = window.fetch;
      window.fetch = (input, init) => {
        if (!String(input).endsWith(`/chats/${id}/stream`)) return real(input, init);
        const encoder = new TextEncoder();
        const body = new ReadableStream({
          start(controller) {
            const say = (event: string, data: unknown) =>
              controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
            say('snapshot', reply);
            let at = 0;
            const timer = setInterval(() => {
              say('delta', { text: text.slice(at, at + 24) });
              at += 24;
              if (at < text.length) return;
              clearInterval(timer);
              say('done', { ...reply, status: 'done', content: text });
              controller.close();
            }, 12); // about 500 tokens a second
          },
        });
        return Promise.resolve(new Response(body, { headers: { 'Content-Type': 'text/event-stream' } }));
      };
    },
    { id, reply, text },
  );
  await smooth(app, 'streaming', async () => {
    asked = 0;
    await app.goto('about:blank');
    await app.goto(`${new URL(qwill.url).origin}/#/c/${id}`);
    await expect(answers(app).last()).toHaveAttribute('aria-busy', 'true');
    await record(app);
    await expect(lastText(app)).toContainText('The very end.', { timeout: 60_000 });
  });
});

test('a megabyte: pasted into the composer, and sent', async ({ app, qwill }) => {
  const composer = app.locator('[data-composer]');
  await app.evaluate((t) => navigator.clipboard.writeText(t), MEGABYTE);
  await composer.focus();
  await smooth(
    app,
    'pasting 1 MB',
    async () => {
      await app.keyboard.press('Control+v');
      await expect(app.getByRole('list', { name: 'Added texts' })).toBeVisible();
      await composer.pressSequentially('What does this text say about families? ', { delay: 15 });
    },
    250,
  );
  const remove = app.getByRole('button', { name: 'Remove Pasted text' });
  while (await remove.count()) await remove.first().click();
  await composer.fill('');

  const id = await seed(qwill, 'A megabyte', [
    { role: 'user', content: MEGABYTE },
    { role: 'assistant', content: 'Families.' },
    { role: 'user', content: 'And a long answer?' },
    { role: 'assistant', content: `${PIECES.join('\n\n')}\n\n`.repeat(600) },
  ]);
  await app.evaluate((id) => (location.hash = `#/c/${id}`), id);
  await expect(lastText(app).locator('figure').first()).toBeAttached({ timeout: 30_000 });
  await app.waitForTimeout(3000);
  await smooth(app, 'scrolling long texts', () => scroll(app, -160, 120));
  await app.evaluate(() => (document.querySelector('[data-scroller]')!.scrollTop = 0));
  const all = app.getByRole('button', { name: /^Show all/ }).first();
  await all.scrollIntoViewIfNeeded();
  await smooth(
    app,
    'showing 1 MB',
    async (attempt) => {
      if (attempt) await app.getByRole('button', { name: 'Show less' }).first().click();
      await all.click();
      await scroll(app, 160, 60);
    },
    300,
  );
});
