// Records what the drafting pane tells and hears while somebody types: real keys in Chromium, the real backend and
// the starter. app/suggest replays the recordings. With QWILL_TRACES=1 they are made anew.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './qwill';

const FOLDER = join(import.meta.dirname, '../../app/suggest/testdata/traces');
const START =
  'The capital of France is Paris. The capital of Italy is Rome. The capital of Spain is Madrid. The capital of German';

const field = (page: Page) => page.getByRole('textbox', { name: 'Draft' });
const ghost = (page: Page) => page.locator('[data-ghost]');

/** Types so that a suggestion is shown, and waits for it to be whole. */
async function suggested(page: Page): Promise<void> {
  await expect(async () => {
    await field(page).press('Control+End');
    await field(page).press('Backspace');
    await page.waitForTimeout(400);
    await field(page).press('y');
    await expect(ghost(page)).not.toHaveText('', { timeout: 4_000 });
  }).toPass({ timeout: 30_000 });
  await page.waitForTimeout(700);
}

const SCENES: Record<string, (page: Page) => Promise<void>> = {
  words: async (page) => {
    await suggested(page);
    for (let i = 0; i < 3; i++) {
      await field(page).press('Tab');
      await page.waitForTimeout(250);
    }
  },
  whole: async (page) => {
    await suggested(page);
    await field(page).press('Shift+Tab');
    await page.waitForTimeout(900);
    await field(page).press('Control+z');
    await page.waitForTimeout(600);
  },
  escape: async (page) => {
    await suggested(page);
    await field(page).press('Escape');
    await page.waitForTimeout(400);
    await field(page).press('Tab'); // the browser's
    await page.waitForTimeout(300);
    await field(page).focus();
    await field(page).pressSequentially(' and', { delay: 120 });
    await page.waitForTimeout(900);
  },
  through: async (page) => {
    await suggested(page);
    for (const letter of ((await ghost(page).textContent()) ?? '').slice(0, 4)) {
      await field(page).press(letter === ' ' ? 'Space' : letter, { delay: 30 });
      await page.waitForTimeout(160);
    }
    await field(page).press('Tab');
    await page.waitForTimeout(600);
  },
  burst: async (page) => {
    await field(page).pressSequentially('y is a large city in the north. We went there last summer', { delay: 45 });
    await page.waitForTimeout(1200);
    await field(page).pressSequentially(' and stayed', { delay: 45 });
    await page.waitForTimeout(1200);
  },
  arrows: async (page) => {
    await suggested(page);
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Shift+ArrowLeft', 'End']) {
      await field(page).press(key);
      await page.waitForTimeout(150);
    }
    await field(page).pressSequentially(' is', { delay: 150 });
    await page.waitForTimeout(900);
  },
  paste: async (page) => {
    await suggested(page);
    await page.evaluate(() => navigator.clipboard.writeText(' (a city on the Spree)'));
    await field(page).press('Control+v');
    await page.waitForTimeout(700);
    await field(page).press('Control+z');
    await page.waitForTimeout(500);
  },
  composition: async (page) => {
    await suggested(page);
    const cdp = await page.context().newCDPSession(page);
    for (const text of ['n', 'ni', 'nih']) {
      await cdp.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
      await page.waitForTimeout(200);
    }
    await field(page).press('Tab'); // the input method's
    await page.waitForTimeout(200);
    await field(page).focus();
    await cdp.send('Input.insertText', { text: '你好' });
    await page.waitForTimeout(900);
  },
  backspace: async (page) => {
    await suggested(page);
    for (let i = 0; i < 6; i++) await field(page).press('Backspace');
    await page.waitForTimeout(700);
    await field(page).press('Tab'); // nothing is shown after a deletion
    await page.waitForTimeout(300);
  },
};

if (process.env['QWILL_TRACES']) {
  for (const [name, act] of Object.entries(SCENES)) {
    test(`record ${name}`, async ({ app, context }) => {
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      await app.evaluate(() => {
        const began = performance.now();
        const log: object[] = [];
        Object.assign(window, { trace: log });
        const put = (line: object) => log.push({ at: Math.round(performance.now() - began), ...line });
        const real = window.fetch.bind(window);
        window.fetch = async (input, init) => {
          const path = new URL(input instanceof Request ? input.url : String(input), location.href).pathname;
          if (/^\/api\/suggest\/./.test(path)) {
            const body = input instanceof Request ? await input.clone().text() : String(init?.body);
            for (const event of (JSON.parse(body) as { events: object[] }).events) put({ in: event });
          }
          const answer = await real(input, init);
          if (path !== '/api/suggest' || !answer.body) return answer;
          const [mine, theirs] = answer.body.tee();
          void (async () => {
            let text = '';
            for (const read = mine.pipeThrough(new TextDecoderStream()).getReader(); ;) {
              const { value, done } = await read.read().catch(() => ({ value: undefined, done: true }));
              if (done) return;
              text += value;
              for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
                const event = /^event: (show|hide)$/m.exec(text.slice(0, end))?.[1];
                const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
                if (event && data) put({ [event]: JSON.parse(data) as object });
              }
            }
          })();
          return new Response(theirs, answer);
        };
        window.addEventListener('keydown', (e) => put({ down: { name: e.key, prevented: e.defaultPrevented } }));
      });
      await app.getByRole('link', { name: 'Draft', exact: true }).click();
      const toggle = app.getByRole('switch', { name: 'Suggest as you type' });
      if (!(await toggle.isChecked())) await toggle.click();
      await expect(toggle).toBeChecked();
      await app.waitForTimeout(800);
      await field(app).fill(START);
      await app.waitForTimeout(500);
      await act(app);
      const trace = await app.evaluate(() => (window as unknown as { trace: object[] }).trace);
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(join(FOLDER, `${name}.json`), `[\n${trace.map((line) => JSON.stringify(line)).join(',\n')}\n]\n`);
      expect(trace.length).toBeGreaterThan(5);
    });
  }
}
