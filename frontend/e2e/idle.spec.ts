import { expect, finished, send, sleep, test, written } from './qwill';

// How long nothing may happen, longer than any pause that the page makes by itself.
const SPAN = 8_000;

interface Counted {
  woken: string[];
}

test('a page that is left alone does nothing at all', async ({ app, page }) => {
  // Whatever wakes a page's script: timers, frames, and bytes from the backend.
  await page.addInitScript(() => {
    const counted: Counted = { woken: [] };
    Object.assign(window, { counted });
    const note = (what: string, fn: unknown) =>
      typeof fn === 'function'
        ? (...args: unknown[]) => {
            counted.woken.push(`${what} ${String(fn).slice(0, 80)}`);
            return fn(...args) as unknown;
          }
        : fn;
    for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame', 'requestIdleCallback'] as const) {
      const real = window[name] as (fn: unknown, ...rest: unknown[]) => number;
      Object.assign(window, {
        [name]: (fn: unknown, ...rest: unknown[]) => real.call(window, note(name, fn), ...rest),
      });
    }
    const read = ReadableStreamDefaultReader.prototype.read;
    ReadableStreamDefaultReader.prototype.read = async function (this: ReadableStreamDefaultReader) {
      const got = await read.call(this);
      const text = new TextDecoder().decode(got.value as Uint8Array | undefined);
      // In a browser the connection is tried every 15 s; the window has none to try.
      if (text !== ':\n\n') counted.woken.push(text);
      return got;
    } as typeof read;
  });
  await page.reload();
  await send(app, 'Say hello.');
  await written(app, 1);
  await finished(app);
  // The counting counts: an answer was read and painted.
  expect(await page.evaluate(() => (window as unknown as { counted: Counted }).counted.woken.length)).toBeGreaterThan(
    5,
  );

  for (const view of ['', '#/models']) {
    if (view) await page.evaluate((hash) => (location.hash = hash), view);
    await sleep(6_000); // messages go, drafts are kept
    await page.evaluate(() => (window as unknown as { counted: Counted }).counted.woken.splice(0));
    await sleep(SPAN);
    expect(await page.evaluate(() => (window as unknown as { counted: Counted }).counted.woken), view).toEqual([]);
  }
});
