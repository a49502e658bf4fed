import type { Token } from 'marked';
import { lex, shows } from './parse';

export interface Block {
  token: Token;
  /** False while the text that follows may still change how this block reads. */
  final: boolean;
}

/** A line that may become the next item of the list before it. */
const ITEM_START = /^ {0,3}(?:\d{1,9}[.)]?|[-*+])?[ \t]*$/;

/**
 * Splits a growing Markdown text into its top-level blocks. Each update reads
 * only the text after the last block that can no longer change.
 */
export class BlockSplitter {
  #settled: Block[] = [];
  #settledLength = 0;
  #prefix = '';

  update(text: string, done: boolean): Block[] {
    // The end is read as a whole: only then are references to later definitions known.
    if (done || !text.startsWith(this.#prefix)) this.reset();
    const tail = text.slice(this.#settledLength);
    const tokens = lex(tail, !done);
    const open = done ? tokens.length : firstOpen(tokens);
    const settledText = tokens
      .slice(0, open)
      .map((t) => t.raw)
      .join('');
    // Tokens may normalise line ends; then nothing is settled until the end.
    if (!tail.startsWith(settledText)) {
      this.reset();
      return tokens.filter(shows).map((token) => ({ token, final: done }));
    }
    this.#settledLength += settledText.length;
    this.#prefix = text.slice(0, this.#settledLength);
    for (const token of tokens.slice(0, open)) if (shows(token)) this.#settled.push({ token, final: true });
    const rest = tokens
      .slice(open)
      .filter(shows)
      .map((token) => ({ token, final: false }));
    return [...this.#settled, ...rest];
  }

  reset(): void {
    this.#settled = [];
    this.#settledLength = 0;
    this.#prefix = '';
  }
}

/** Index of the first token that more text could still change. */
function firstOpen(tokens: Token[]): number {
  let last = tokens.length - 1;
  while (last >= 0 && tokens[last]!.type === 'space') last--;
  if (last < 0) return 0;
  const token = tokens[last]!;
  if (ITEM_START.test(token.raw.trimEnd())) {
    let before = last - 1;
    while (before >= 0 && tokens[before]!.type === 'space') before--;
    if (before >= 0 && tokens[before]!.type === 'list') return before;
  }
  return last;
}
