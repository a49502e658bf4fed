import { BlockSplitter, type Block } from './blocks';
import { loadHighlighter } from './highlight';
import { toHtml, type Html } from './parse';
import { loadTex } from './tex';

/** What changed in a rendered text; only strings and numbers, so that it can cross to another thread. */
export interface Patch {
  /** Number of blocks that the text has now. */
  length: number;
  changed: { index: number; html: string; math: string[] }[];
}

/** A text that grows, as blocks of HTML. */
export class MarkdownDocument {
  #splitter = new BlockSplitter();
  #shown: (Html & { block: Block })[] = [];
  #loading: Promise<unknown> | undefined;

  /** `later` takes what changes once a library was loaded that this text needs. */
  constructor(private readonly later: (patch: Patch) => void) {}

  update(text: string, done: boolean): Patch {
    const blocks = this.#splitter.update(text, done);
    const changed: Patch['changed'] = [];
    const shown = blocks.map((block, index) => {
      const before = this.#shown[index];
      if (before && before.block === block) return before;
      const now = { block, ...toHtml(block.token, block.final) };
      if (before?.html !== now.html || before.math.join() !== now.math.join()) {
        changed.push({ index, html: now.html, math: now.math });
      }
      return now;
    });
    this.#shown = shown;
    if (shown.some((b) => b.missing === 'library')) void this.#load();
    return { length: shown.length, changed };
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = Promise.allSettled([
      ...(this.#shown.some((b) => b.math.includes('')) ? [loadTex()] : []),
      ...(this.#shown.some((b) => b.html.includes('<figure')) ? [loadHighlighter()] : []),
    ]);
    await this.#loading;
    this.#loading = undefined;
    const changed: Patch['changed'] = [];
    this.#shown.forEach((b, index) => {
      if (b.missing === 'none') return;
      const now = { block: b.block, ...toHtml(b.block.token, b.block.final) };
      if (now.html !== b.html || now.math.join() !== b.math.join()) {
        changed.push({ index, html: now.html, math: now.math });
      }
      this.#shown[index] = { ...now, missing: 'none' };
    });
    if (changed.length) this.later({ length: this.#shown.length, changed });
  }
}
