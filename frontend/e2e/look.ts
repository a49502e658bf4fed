// Looks at a state of the page in both languages and both themes: axe-core finds
// nothing, no text is clipped at the largest size, and with QWILL_SCREENS=1 the
// pictures in docs/screens are taken.
import type { Browser, Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { accessible, expect, type Qwill } from './qwill';

const SCREENS = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docs', 'screens');
const SIZE = { width: 1100, height: 740 };
const NARROW = { width: 420, height: 740 };

/** The same Qwill seen in English and in Chinese. */
export class Pair {
  private constructor(
    readonly en: Page,
    readonly zh: Page,
  ) {}

  static async open(browser: Browser, qwill: Qwill): Promise<Pair> {
    const page = async (locale: string) => {
      const context = await browser.newContext({ locale, viewport: SIZE, reducedMotion: 'reduce' });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const opened = await context.newPage();
      await opened.goto(qwill.url);
      return opened;
    };
    return new Pair(await page('en-GB'), await page('zh-CN'));
  }

  async close(): Promise<void> {
    await Promise.all([this.en.context().close(), this.zh.context().close()]);
  }

  /** Does the same on both pages. */
  async both(act: (page: Page, zh: boolean) => Promise<unknown>): Promise<void> {
    await act(this.en, false);
    await act(this.zh, true);
  }

  async look(name: string): Promise<void> {
    await this.both(async (page, zh) => {
      await shots(page, zh ? `${name}-zh` : name);
      // Contrast depends on the theme and names on the language, so two of the four say all.
      await page.emulateMedia({ colorScheme: zh ? 'dark' : 'light' });
      await accessible(page, `${name}, ${zh ? 'Chinese, dark' : 'English, light'}`);
      await unclipped(page, `${name}, ${zh ? 'Chinese' : 'English'}`);
    });
  }
}

async function shots(page: Page, name: string): Promise<void> {
  if (!process.env['QWILL_SCREENS']) return;
  mkdirSync(SCREENS, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(SCREENS, `${name}-${colorScheme}.png`), caret: 'initial' });
  }
}

/** Fails with every text that is cut off, and every control outside the window, at 150 % in a wide and a narrow window. */
async function unclipped(page: Page, what: string): Promise<void> {
  expect.soft(await cutOff(page), `${what}, at 150 %`).toEqual([]);
}

/** What is cut off, with the width of the window. */
export async function cutOff(page: Page): Promise<string[]> {
  const before = page.viewportSize() ?? SIZE;
  const scale = await page.evaluate(() => document.documentElement.style.getPropertyValue('--scale'));
  const found: string[] = [];
  for (const size of [SIZE, NARROW]) {
    await page.setViewportSize(size);
    await page.evaluate(() => document.documentElement.style.setProperty('--scale', '1.5'));
    await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r))));
    for (const problem of await page.evaluate(clipped)) found.push(`${size.width}: ${problem}`);
  }
  await page.evaluate((s) => document.documentElement.style.setProperty('--scale', s), scale);
  await page.setViewportSize(before);
  return found;
}

/** Runs in the page. */
function clipped(): string[] {
  const found = new Set<string>();
  const shown = (e: Element) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const hidden = (e: Element) => {
    // For screen readers alone.
    for (let p: Element | null = e; p; p = p.parentElement)
      if (p.clientWidth === 1 && p.clientHeight === 1) return true;
    return !!e.closest('.skip, .hidden-text, [inert]');
  };
  const name = (e: Element) =>
    `<${e.tagName.toLowerCase()}${e.className && typeof e.className === 'string' ? ` class="${e.className}"` : ''}> ${JSON.stringify(
      (e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 50),
    )}`;
  /** The nearest box that cuts off what does not fit, and whether one can scroll there. */
  const clip = (e: Element, axis: 'x' | 'y') => {
    for (let p: Element | null = e; p && p !== document.documentElement; p = p.parentElement) {
      const style = getComputedStyle(p);
      const overflow = axis === 'x' ? style.overflowX : style.overflowY;
      if (overflow === 'auto' || overflow === 'scroll') return null;
      if (overflow === 'hidden' || overflow === 'clip') return p === document.body ? document.documentElement : p;
      if (style.position === 'fixed') break;
    }
    return document.documentElement;
  };
  /** Titles and names of a person's own may end in an ellipsis: the whole is in the title or one step away. */
  const shortened = (e: Element) => {
    const style = getComputedStyle(e);
    return style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
  };

  for (const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walker.nextNode();) {
    const node = walker.currentNode as Text;
    const element = node.parentElement!;
    if (!node.data.trim() || !shown(element) || hidden(element) || element.closest('option, svg, math, .katex'))
      continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const text = range.getBoundingClientRect();
    if (!text.width || !text.height) continue;
    const x = clip(element, 'x');
    if (x && !shortened(x)) {
      const box = x === document.documentElement ? { left: 0, right: innerWidth } : x.getBoundingClientRect();
      if (text.right > box.right + 1.5 || text.left < box.left - 1.5) found.add(`cut off sideways: ${name(element)}`);
    }
    const y = clip(element, 'y');
    if (y && !shortened(y)) {
      const box = y === document.documentElement ? { top: 0, bottom: innerHeight } : y.getBoundingClientRect();
      if (text.bottom > box.bottom + 3 || text.top < box.top - 3) found.add(`cut off in height: ${name(element)}`);
    }
    // Words that leave the button, field or label that they stand in.
    const control = element.closest('button, a, label, [role="tab"], [role="menuitem"]');
    if (control && !shortened(element) && shown(control)) {
      const box = control.getBoundingClientRect();
      if (
        getComputedStyle(control).display !== 'inline' &&
        (text.right > box.right + 1.5 || text.left < box.left - 1.5)
      ) {
        found.add(`wider than its control: ${name(control)}`);
      }
    }
  }
  for (const field of document.querySelectorAll<HTMLSelectElement>('select')) {
    if (!shown(field)) continue;
    const measure = document.createElement('canvas').getContext('2d')!;
    measure.font = getComputedStyle(field).font;
    const words = field.selectedOptions[0]?.text ?? '';
    // One that takes the whole line may end in an ellipsis: it opens to the whole.
    const line = (field.closest('[role="dialog"], main') ?? document.body).clientWidth;
    if (field.clientWidth < line * 0.6 && measure.measureText(words).width > field.clientWidth)
      found.add(`wider than its field: ${name(field)} ${words}`);
  }
  for (const control of document.querySelectorAll(
    'button, a[href], input, textarea, select, [role="menuitem"], [tabindex="0"]',
  )) {
    if (!shown(control) || hidden(control)) continue;
    const box = control.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const beyond = (axis: 'x' | 'y') => {
      const inside = clip(control.parentElement!, axis);
      return inside !== null;
    };
    if (beyond('x') && (box.left < -1 || box.right > innerWidth + 1)) found.add(`outside, sideways: ${name(control)}`);
    if (beyond('y') && (box.top < -1 || box.bottom > innerHeight + 1))
      found.add(`outside, in height: ${name(control)}`);
  }
  return [...found];
}
