import { lexer, type Token } from 'marked';

export interface Block {
  src: string;
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
    if (done || !text.startsWith(this.#prefix)) this.reset();
    const tail = text.slice(this.#settledLength);
    const tokens = lexer(tail);
    const open = done ? tokens.length : firstOpen(tokens);
    const rest: Block[] = [];
    let at = 0;
    tokens.forEach((token, i) => {
      const settled = i < open;
      if (token.type === 'space' || token.type === 'def') {
        // Blank lines and link definitions show nothing.
      } else if (settled) this.#settled.push({ src: token.raw, final: true });
      else rest.push({ src: token.raw, final: false });
      if (settled) at += token.raw.length;
    });
    // Tokens may normalise line ends; then nothing is settled until the end.
    if (
      tail.startsWith(
        tokens
          .slice(0, open)
          .map((t) => t.raw)
          .join(''),
      )
    ) {
      this.#settledLength += at;
      this.#prefix = text.slice(0, this.#settledLength);
    } else {
      this.reset();
      return tokens.filter((t) => t.type !== 'space' && t.type !== 'def').map((t) => ({ src: t.raw, final: done }));
    }
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
