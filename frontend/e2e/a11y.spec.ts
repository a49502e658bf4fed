// Every view and dialog in both languages and themes, at the largest text and in
// a narrow window; the keyboard alone; reduced motion; forced colours.
import type { Page } from '@playwright/test';
import type { Chat } from '../src/lib/api/types';
import { cutOff, Pair } from './look';
import { accessible, answers, expect, finished, send, test, written, LONG } from './qwill';

const composer = '[data-composer]';
const DRAFT =
  'i has went to the the market yesterday and buyed three apple. they was very fresh , we eated them all on the way home';

const go = (hash: string) => async (page: Page) => {
  await page.evaluate((h) => (location.hash = h), hash);
};
const key = (name: string) => async (page: Page) => {
  await page.keyboard.press(name);
};

test.describe('every view', () => {
  let pair: Pair;
  test.beforeAll(async ({ browser, qwill }) => {
    await qwill.call('PUT', '/settings', { sampling: { max_tokens: 120, temperature: 0, seed: 1 } });
    pair = await Pair.open(browser, qwill);
    await pair.both((page) => expect(page.locator(composer)).toBeVisible());
  });
  test.afterAll(async ({ qwill }) => {
    await pair.close();
    await qwill.call('PUT', '/settings', { sampling: {} });
  });

  test('a chat, its menus and its settings', async ({ qwill }) => {
    const { id } = (await qwill.call('POST', '/chats', {
      title: 'Plans for the spring market and everything that is still to buy for it',
    })) as Chat;
    await pair.both(go(`#/c/${id}`));
    await send(pair.en, 'Write a short thank-you note to a colleague. Use a list.');
    await finished(pair.en);
    await pair.both((page) => expect(answers(page)).toHaveCount(1));
    await pair.look('chat');

    await pair.both((page) => page.locator('.model-trigger').first().click());
    await pair.both((page) => expect(page.getByRole('menu')).toBeVisible());
    await pair.look('model-menu');
    await pair.both(key('Escape'));

    await pair.both((page, zh) => page.getByRole('button', { name: zh ? '对话设置' : 'Chat settings' }).click());
    await pair.both((page) => expect(page.getByRole('dialog')).toBeVisible());
    await pair.look('chat-settings');
    await pair.both(key('Escape'));

    await pair.both((page) =>
      page.locator('.sidebar li.current a, .sidebar [aria-current="page"]').first().press('Shift+F10'),
    );
    await pair.both((page) => expect(page.getByRole('menu')).toBeVisible());
    await pair.look('row-menu');
    await pair.both(key('Escape'));
  });

  test('write, its difference and the quick prompt', async () => {
    await pair.both(go('#/write'));
    await pair.both((page) => page.locator('.paper textarea').fill(DRAFT));
    await pair.look('write');
    await pair.both(async (page, zh) => {
      await page.getByRole('button', { name: zh ? '校对' : 'Proofread', exact: true }).click();
      await expect(page.locator('.result')).toHaveAttribute('aria-busy', 'false', { timeout: 60_000 });
    });
    await pair.look('difference');
    await pair.both(key('Escape'));

    await pair.both(go('#/prompt'));
    await pair.both(async (page) => {
      await page.locator('.prompt textarea').evaluate((field, text) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', text);
        field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
      }, `${DRAFT}.\nthen it begun to rain`);
      await expect(page.locator('.prompt .command').first()).toBeVisible();
    });
    await pair.look('prompt');
    await pair.both(async (page) => {
      await page.keyboard.press('Escape');
      await go('#/')(page);
    });
  });

  test('drafts, what was replaced, and the editor of a command', async ({ qwill }) => {
    await pair.both(go('#/write'));
    await pair.both(async (page, zh) => {
      await page
        .locator('.paper textarea')
        .fill('Hi! Can you come to the meeting on Monday at 10? Please tell me. Anna');
      await page.getByRole('button', { name: zh ? '回复' : 'Reply', exact: true }).click();
      await expect(page.locator('.result')).toHaveAttribute('aria-busy', 'false', { timeout: 60_000 });
      await expect(page.getByRole('radio')).toHaveCount(3);
    });
    await pair.look('drafts');
    await pair.both(async (page, zh) => {
      await page.getByRole('button', { name: zh ? '继续处理结果' : 'Work on the result' }).click();
      await expect(page.locator('.toasts:not([hidden]) .toast').first()).toBeVisible();
    });
    await pair.look('replaced');

    await pair.both(key('Control+,'));
    await pair.both(async (page, zh) => {
      const dialog = page.getByRole('dialog');
      await dialog
        .locator('nav')
        .getByRole('button', { name: zh ? '隐私' : 'Privacy' })
        .click();
      const entry = dialog.locator('.history li').first();
      await entry.locator('summary').click();
      await expect(entry.locator('ins, del').first()).toBeVisible();
    });
    await pair.look('history');
    await qwill.call('DELETE', '/history', undefined);

    await pair.both(async (page, zh) => {
      const dialog = page.getByRole('dialog');
      await dialog
        .locator('nav')
        .getByRole('button', { name: zh ? '命令' : 'Commands', exact: true })
        .click();
      await dialog.getByRole('button', { name: zh ? '新建命令' : 'New command' }).click();
      await dialog.getByRole('button', { name: zh ? '添加选项' : 'Add an option' }).click();
    });
    await pair.look('command-editor');
    await pair.both(key('Escape'));
    await pair.both((page) => page.reload());
  });

  test('the settings', async () => {
    await pair.both(key('Control+,'));
    await pair.both((page) => expect(page.getByRole('dialog')).toBeVisible());
    const parts = await pair.en.getByRole('dialog').locator('nav button').count();
    expect(parts).toBeGreaterThan(5);
    for (let i = 0; i < parts; i++) {
      await pair.both((page) => page.getByRole('dialog').locator('nav button').nth(i).click());
      await pair.both((page) => expect(page.getByRole('dialog').locator('section h3').first()).toBeVisible());
      await pair.look(`settings-${i + 1}`);
    }
    await pair.both(key('Escape'));
  });

  test('models, palette and shortcuts', async () => {
    await pair.both(go('#/models'));
    await pair.both((page) => expect(page.getByRole('main')).toBeVisible());
    await pair.look('models');
    await pair.both(go('#/'));
    await pair.both(key('Control+k'));
    await pair.both((page) => expect(page.getByRole('dialog')).toBeVisible());
    await pair.look('palette');
    await pair.both(key('Escape'));
    await pair.both(key('Control+/'));
    await pair.both((page) => expect(page.getByRole('dialog')).toBeVisible());
    await pair.look('shortcuts');
    await pair.both(key('Escape'));
  });

  test('the first steps', async ({ qwill }) => {
    await qwill.call('PUT', '/settings', { first_run_done: false });
    await pair.both((page) => page.reload());
    for (let step = 1; step <= 3; step++) {
      await pair.both((page) => expect(page.getByRole('dialog')).toBeVisible());
      await pair.look(`first-run-${step}`);
      if (step < 3) {
        await pair.both((page, zh) =>
          page.getByRole('button', { name: zh ? '继续' : 'Continue', exact: true }).click(),
        );
      }
    }
    await qwill.call('PUT', '/settings', { first_run_done: true });
    await pair.both((page) => page.reload());
    await pair.both((page) => expect(page.locator(composer)).toBeVisible());
  });

  test('every error has its words and keeps what was typed', async () => {
    const { en } = await import('../src/i18n/en/states').then((m) => ({ en: m.states }));
    const { zh } = await import('../src/i18n/zh-Hans/states').then((m) => ({ zh: m.states }));
    await pair.both(go('#/'));
    await pair.both(async (page, chinese) => {
      let code = '';
      await page.route('**/api/chats', (route) =>
        route.request().method() === 'POST'
          ? route.fulfill({ status: 500, json: { error: { code, message: '' } } })
          : route.continue(),
      );
      await page.locator(composer).fill('Words to keep');
      for (const [name, words] of Object.entries((chinese ? zh : en).errors)) {
        code = name;
        await page.locator(composer).press('Enter');
        await expect(page.getByRole('alert').filter({ hasText: words.message })).toBeVisible();
        await expect(page.locator(composer)).toHaveValue('Words to keep');
      }
      code = 'too_long';
      await page.locator(composer).press('Enter');
      await expect(
        page.getByRole('alert').getByRole('button', { name: chinese ? '新对话' : 'New chat' }),
      ).toBeVisible();
    });
    await pair.look('error');
    await pair.both(async (page) => {
      await page.unroute('**/api/chats');
      await page.locator(composer).fill('');
      await page.reload();
    });
  });
});

test('what is cut off is noticed', async ({ app }) => {
  await app.evaluate(() => {
    const box = document.createElement('div');
    box.style.cssText = 'position:absolute;top:60px;left:300px;width:60px;overflow:hidden;white-space:nowrap';
    box.textContent = 'A line that is too long for its box';
    document.querySelector('main')!.append(box);
  });
  expect((await cutOff(app)).join()).toContain('cut off sideways: <div> "A line that is too long');
});

/** What has the focus, and whether one sees that it has. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const ring = (x: Element | null) => {
      if (!x) return false;
      const s = getComputedStyle(x);
      return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none';
    };
    const all = ((window as unknown as { seen?: Element[] }).seen ??= []);
    if (!all.includes(e)) all.push(e);
    return {
      name: `${e.tagName.toLowerCase()} ${e.getAttribute('aria-label') ?? e.textContent?.trim().slice(0, 40) ?? ''}`,
      at: all.indexOf(e),
      // A field may show it on its frame.
      ring: ring(e) || ring(e.parentElement) || ring(e.closest(':focus-within:not(body, main, html)')),
    };
  });

/** Tabs through a page and gives what is never reached. */
async function walk(page: Page): Promise<{ steps: number; unreached: string[]; unseen: string[] }> {
  await page.evaluate(() => {
    (window as unknown as { seen?: Element[] }).seen = [];
    // From the page's beginning; in a dialog from where one is.
    if (!document.querySelector('[role="dialog"]')) document.querySelector<HTMLElement>('.skip')!.focus();
  });
  const unseen: string[] = [];
  let steps = 0;
  for (let first: number | undefined; steps < 150; steps++) {
    const at = await focused(page);
    if (!at || at.at === first) break; // out at the end, or round again
    first ??= at.at;
    if (!at.ring) unseen.push(at.name);
    await page.keyboard.press('Tab');
  }
  const unreached = await page.evaluate(() => {
    const seen = (window as unknown as { seen: Element[] }).seen;
    const dialog = document.querySelector('[role="dialog"]') ?? document;
    // One stop serves a group whose arrow keys move inside.
    const roving = (e: Element) =>
      e.closest(
        'nav li, [role="menu"], [role="listbox"], [role="tablist"], [role="radiogroup"], [role="toolbar"], [role="tree"], [role="grid"]',
      );
    return [...dialog.querySelectorAll('button, a[href], input, textarea, select, [tabindex="0"]')]
      .filter(
        (e) => e.checkVisibility() && !(e as HTMLButtonElement).disabled && !e.closest('[inert], [aria-hidden="true"]'),
      )
      .filter((e) => !seen.includes(e))
      .filter((e) => e.getAttribute('tabindex') !== '-1' || !roving(e))
      .filter((e) => !(e instanceof HTMLInputElement && e.type === 'radio'))
      .map((e) => e.outerHTML.slice(0, 160));
  });
  return { steps, unreached, unseen };
}

test('the keyboard alone reaches everything, and one sees where it is', async ({ app }) => {
  await send(app, 'Say hello.');
  await finished(app);
  for (const [name, open] of [
    ['chat', async () => undefined],
    ['write', () => app.keyboard.press('Control+e')],
    ['models', () => app.keyboard.press('Control+Shift+M')],
  ] as const) {
    await open();
    const { steps, unreached, unseen } = await walk(app);
    expect.soft(unreached, `${name}: reached with Tab`).toEqual([]);
    expect.soft(unseen, `${name}: visible focus`).toEqual([]);
    expect(steps, `${name}: no trap`).toBeLessThan(150);
  }
});

test('dialogs keep the focus while they are open and give it back', async ({ app }) => {
  for (const [keys, from] of [
    ['Control+,', composer],
    ['Control+k', composer],
    ['Control+/', composer],
  ] as const) {
    await app.locator(from).focus();
    await app.keyboard.press(keys);
    await expect(app.getByRole('dialog')).toBeVisible();
    const { unseen } = await walk(app);
    expect.soft(unseen, `${keys}: visible focus`).toEqual([]);
    expect(await app.evaluate(() => !!document.activeElement?.closest('[role="dialog"]')), `${keys}: inside`).toBe(
      true,
    );
    await app.keyboard.press('Escape');
    await expect(app.getByRole('dialog')).toHaveCount(0);
    await expect(app.locator(from), `${keys}: given back`).toBeFocused();
  }
});

test('nothing moves where movement is unwanted', async ({ app }) => {
  await app.emulateMedia({ reducedMotion: 'reduce' });
  await app.evaluate(() => {
    // What began before.
    for (const a of document.getAnimations()) if (a.effect?.getTiming().iterations !== Infinity) a.finish();
    const moved = ((window as unknown as { moved: string[] }).moved = []) as string[];
    const look = () => {
      for (const a of document.getAnimations()) {
        const { duration, iterations } = a.effect!.getComputedTiming();
        if (Number(duration) * (iterations ?? 1) > 1)
          moved.push(`${(a as CSSAnimation).animationName ?? (a as CSSTransition).transitionProperty} ${duration} ms`);
      }
      requestAnimationFrame(look);
    };
    look();
  });
  await send(app, LONG);
  await written(app, 20);
  for (const keys of ['Control+,', 'Control+k', 'Control+/']) {
    await app.keyboard.press(keys);
    await expect(app.getByRole('dialog')).toBeVisible();
    await app.keyboard.press('Escape');
    await expect(app.getByRole('dialog')).toHaveCount(0);
  }
  await app.keyboard.press('Control+b');
  await app.keyboard.press('Control+b');
  await app.locator(composer).focus();
  await app.keyboard.press('Escape');
  await finished(app);
  expect(await app.evaluate(() => [...new Set((window as unknown as { moved: string[] }).moved)])).toEqual([]);
});

test('forced colours keep the focus and the states visible', async ({ app }) => {
  await app.emulateMedia({ forcedColors: 'active' });
  await accessible(app, 'forced colours');
  await app.keyboard.press('Control+,');
  const toggle = app.getByRole('switch').first();
  await expect(toggle).toBeVisible();
  // On and off differ by more than a background, which forced colours take away.
  const look = () =>
    toggle.evaluate((e) => {
      const s = getComputedStyle(e);
      const knob = getComputedStyle(e.firstElementChild!);
      return [s.backgroundColor, s.borderColor, knob.backgroundColor].join(' ');
    });
  expect(new Set((await look()).match(/rgba?\([^)]*\)/g)).size).toBeGreaterThan(1);
});
