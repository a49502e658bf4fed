import type { TokenizerAndRendererExtension, Tokens } from 'marked';

export interface MathToken extends Tokens.Generic {
  tex: string;
  display: boolean;
  /** False while the closing mark of a formula has not arrived. */
  closed: boolean;
}

// After Pandoc: no space inside the marks, no digit after the closing one. "$5 and $6" is no formula.
const DOLLARS = /^\$(?![\s$])((?:\\[^\n]|[^\\$`\n]|\n(?!\s*\n)){1,1000}?)(?<!\s)\$(?![\d$])/;
// "$100 for you and 50$": an amount that is followed by a word.
const AMOUNT = /^\d[\d.,]*(?:[kKmMbB]\b)?[ \n]+(?!\\)[^\W\d_]{2}/;
const DOUBLE = /^\$\$(?!\$)((?:\\[^\n]|[^\\$]|\$(?!\$)){1,10000}?)\$\$(?!\$)/;
const PARENTHESES = /^\\\(((?:(?!\\\)|\n\s*\n)[\s\S]){1,10000}?)\\\)/;
const BRACKETS = /^\\\[((?:(?!\\\])[\s\S]){1,10000}?)\\\]/;

const BLOCK_DOUBLE = /^ {0,3}\$\$(?!\$)((?:\\[^\n]|[^\\$]|\$(?!\$))+?)\$\$[ \t]*(?:\n+|$)/;
const BLOCK_BRACKETS = /^ {0,3}\\\[((?:(?!\\\])[\s\S])+?)\\\][ \t]*(?:\n+|$)/;
const BLOCK_OPEN = /^ {0,3}(?:\$\$(?!\$)|\\\[)([\s\S]*)$/;

/** Formulas between $…$, $$…$$, \(…\) and \[…\]. `growing` takes a block that has not been closed for a formula. */
export function mathExtensions(
  growing: () => boolean,
  render: (token: MathToken) => string,
): TokenizerAndRendererExtension[] {
  const token = (type: string, raw: string, tex: string, display: boolean, closed = true): MathToken => ({
    type,
    raw,
    tex: tex.trim(),
    display,
    closed,
  });
  return [
    {
      name: 'mathBlock',
      level: 'block',
      start: (src) => /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(src)?.index,
      tokenizer(src) {
        const m = BLOCK_DOUBLE.exec(src) ?? BLOCK_BRACKETS.exec(src);
        if (m?.[1]!.trim()) return token('mathBlock', m[0], m[1]!, true);
        // A dollar pair with text after it on the same line belongs to a paragraph.
        const open = growing() && !m ? BLOCK_OPEN.exec(src) : null;
        if (open && !open[1]!.includes('$$') && !open[1]!.includes('\\]')) {
          return token('mathBlock', open[0], open[1]!, true, false);
        }
        return undefined;
      },
      renderer: (t) => render(t as MathToken),
    },
    {
      name: 'math',
      level: 'inline',
      start: (src) => /\$|\\[([]/.exec(src)?.index,
      tokenizer(src) {
        const display = DOUBLE.exec(src) ?? BRACKETS.exec(src);
        if (display?.[1]!.trim()) return token('math', display[0], display[1]!, true);
        const inline = PARENTHESES.exec(src) ?? DOLLARS.exec(src);
        if (!inline?.[1]!.trim() || (inline[0].startsWith('$') && AMOUNT.test(inline[1]!))) return undefined;
        return token('math', inline[0], inline[1]!, false);
      },
      renderer: (t) => render(t as MathToken),
    },
  ];
}
