import type { Messages } from '../../i18n/en';
import type { Patch } from './document';
import { safeNodes } from './sanitize';
import { whenNear } from '../near';
import { inFrames, whenIdle } from '../stream/frames';

let styled = false;

/** Blocks that share a box, so that the browser can pass over all of them at once where they are not in sight. */
const GROUP = 40;

/** Puts rendered blocks on the page, one element each, a few a frame; of a long text first what is near the reader. */
export class Painter {
  #length = 0;
  #blocks: HTMLElement[] = [];
  #pending = new Map<number, { html: string; math: string[] }>();
  /** Groups of a long text that came near and are not complete. */
  #near = new Set<number>();
  /** True while a long text is being painted: what is far waits until the page has nothing else to do. */
  #long = false;
  #queued = false;
  #closed = false;

  constructor(
    private readonly root: HTMLElement,
    /** Dresses new nodes with words. */
    private readonly dress: (block: HTMLElement) => void,
    /** Called when all that is near is shown. */
    private readonly painted: () => void,
  ) {}

  add(patch: Patch): void {
    this.#length = patch.length;
    for (const { index, html, math } of patch.changed) this.#pending.set(index, { html, math });
    if (this.#pending.size > 2 * GROUP && !this.#long) {
      this.#long = true;
      whenIdle(() => this.#rest());
    }
    this.#queue();
  }

  close(): void {
    this.#closed = true;
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    inFrames(() => this.#step());
  }

  /** Paints one block that is near; true when there is none left. */
  #step(): boolean {
    if (this.#closed) return true;
    this.#fit();
    const index = this.#long ? this.#nextNear() : this.#pending.keys().next().value;
    if (index !== undefined) this.#paint(index);
    if (this.#long ? this.#near.size : this.#pending.size) return false;
    this.#queued = false;
    this.painted();
    return true;
  }

  /** Paints one block that is far. */
  #rest(): boolean {
    if (this.#closed) return true;
    this.#fit();
    const index = this.#pending.keys().next().value;
    if (index !== undefined) this.#paint(index);
    this.#long = this.#pending.size > 0;
    return !this.#long;
  }

  #nextNear(): number | undefined {
    for (const group of this.#near) {
      const end = Math.min((group + 1) * GROUP, this.#length);
      for (let i = group * GROUP; i < end; i++) if (this.#pending.has(i)) return i;
      this.#near.delete(group);
    }
    return undefined;
  }

  /** Makes as many blocks as there are. */
  #fit(): void {
    while (this.#blocks.length > this.#length) this.#blocks.pop()!.remove();
    while (this.root.lastElementChild && !this.root.lastElementChild.firstChild) this.root.lastElementChild.remove();
    while (this.#blocks.length < this.#length) this.#grow();
  }

  #grow(): void {
    const block = document.createElement('div');
    block.className = 'block';
    if (this.#blocks.length % GROUP === 0) this.#addGroup(this.#blocks.length / GROUP);
    this.root.lastElementChild!.append(block);
    this.#blocks.push(block);
  }

  #addGroup(group: number): void {
    const node = document.createElement('div');
    this.root.append(node);
    if (!this.#long) return;
    whenNear(node, () => {
      this.#near.add(group);
      this.#queue();
    });
  }

  #paint(index: number): void {
    const { html, math } = this.#pending.get(index)!;
    this.#pending.delete(index);
    const block = this.#blocks[index];
    if (!block) return;
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
