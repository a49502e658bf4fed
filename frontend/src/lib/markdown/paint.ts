import type { Messages } from '../../i18n/en';
import type { Patch } from './document';
import { safeNodes } from './sanitize';
import { inFrames } from '../stream/frames';

let styled = false;

/** Blocks that share a box, so that the browser can pass over all of them at once where they are not in sight. */
const GROUP = 40;

/** Puts rendered blocks on the page, one element each, a few a frame. */
export class Painter {
  #length = 0;
  #blocks: HTMLElement[] = [];
  #pending = new Map<number, { html: string; math: string[] }>();
  #queued = false;
  #closed = false;

  constructor(
    private readonly root: HTMLElement,
    /** Dresses new nodes with words. */
    private readonly dress: (block: HTMLElement) => void,
    /** Called when all that was known is shown. */
    private readonly painted: () => void,
  ) {}

  add(patch: Patch): void {
    this.#length = patch.length;
    // In order; but of a long text that comes at once the end first, where a chat is opened.
    const changed = patch.changed.length > GROUP ? patch.changed.toReversed() : patch.changed;
    for (const { index, html, math } of changed) this.#pending.set(index, { html, math });
    if (this.#queued) return;
    this.#queued = true;
    inFrames(() => this.#step());
  }

  close(): void {
    this.#closed = true;
  }

  #step(): boolean {
    if (this.#closed) return true;
    while (this.#blocks.length > this.#length) this.#blocks.pop()!.remove();
    while (this.#blocks.length < this.#length) this.#grow();
    while (this.root.lastElementChild && !this.root.lastElementChild.firstChild) this.root.lastElementChild.remove();
    const next = this.#pending.entries().next();
    if (!next.done) {
      const [index, { html, math }] = next.value;
      this.#pending.delete(index);
      const block = this.#blocks[index];
      if (block) this.#paint(block, html, math);
    }
    if (this.#pending.size) return false;
    this.#queued = false;
    this.painted();
    return true;
  }

  #grow(): void {
    const block = document.createElement('div');
    block.className = 'block';
    if (this.#blocks.length % GROUP === 0) this.root.append(document.createElement('div'));
    this.root.lastElementChild!.append(block);
    this.#blocks.push(block);
  }

  #paint(block: HTMLElement, html: string, math: string[]): void {
    const nodes = safeNodes(html, math);
    if (math.length && !styled) {
      styled = true;
      void import('katex/dist/katex.min.css');
    }
    if (growCode(block, nodes)) return;
    block.replaceChildren(nodes);
    this.dress(block);
  }
}

/** Code that grows keeps its box, and with it how far it was scrolled. */
function growCode(block: HTMLElement, nodes: DocumentFragment): boolean {
  const before = block.firstElementChild;
  const after = nodes.firstElementChild;
  if (!before?.matches('figure.code') || !after?.matches('figure.code')) return false;
  if (
    after.hasAttribute('data-lines') ||
    before.querySelector('span')?.textContent !== after.querySelector('span')?.textContent
  )
    return false;
  before.querySelector('code')!.replaceChildren(...after.querySelector('code')!.childNodes);
  return true;
}

/** Gives the parts of a block their words in the page's language. */
export function dress(block: Element, t: Messages, whole: (n: number) => string): void {
  for (const figure of block.querySelectorAll('figure.code')) {
    const language = figure.querySelector('figcaption span')?.textContent;
    figure.setAttribute('aria-label', language ? t.code.highlighted(language) : t.code.block);
  }
  for (const node of block.querySelectorAll<HTMLElement>('[data-act]')) {
    switch (node.dataset['act']) {
      case 'copy':
        node.textContent = t.app.copy;
        node.setAttribute('aria-label', t.code.copy);
        break;
      case 'fold':
        node.textContent = foldLabel(node, t, whole);
        break;
      case 'image':
        node.textContent = t.link.image;
        break;
      case 'done':
        node.setAttribute('aria-label', t.code.done);
        break;
      case 'todo':
        node.setAttribute('aria-label', t.code.todo);
        break;
      case 'table':
        node.setAttribute('aria-label', t.code.table);
        break;
    }
  }
}

function foldLabel(button: HTMLElement, t: Messages, whole: (n: number) => string): string {
  if (button.getAttribute('aria-expanded') === 'true') return t.code.fewer;
  const lines = Number(button.closest<HTMLElement>('figure')?.dataset['lines'] ?? 0);
  return t.code.all(lines, whole(lines));
}

/** Shows the first lines of long code only, or all of them. */
export function fold(button: Element, folded: boolean): void {
  button.setAttribute('aria-expanded', String(!folded));
  button.closest('figure')?.classList.toggle('folded', folded);
}
