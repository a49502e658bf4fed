import type { TokenizerAndRendererExtension, Tokens } from 'marked';

interface NoteToken extends Tokens.Generic {
  label: string;
  tokens: Tokens.Generic[];
}

const NOTE = /^ {0,3}\[\^([^\]\s]{1,40})\]:[ \t]+([^\n]+(?:\n(?!\s*\n| {0,3}\[\^)[^\n]+)*)(?:\n+|$)/;
const REFERENCE = /^\[\^([^\]\s]{1,40})\](?!:)/;

/** Footnotes: [^1] in the text, and the paragraph that begins with [^1]: */
export function footnoteExtensions(escape: (text: string) => string): TokenizerAndRendererExtension[] {
  return [
    {
      name: 'footnote',
      level: 'block',
      start: (src) => /(?:^|\n) {0,3}\[\^/.exec(src)?.index,
      tokenizer(src) {
        const m = NOTE.exec(src);
        if (!m) return undefined;
        return { type: 'footnote', raw: m[0], label: m[1], tokens: this.lexer.inline(m[2]!) };
      },
      renderer(t) {
        const { label, tokens } = t as NoteToken;
        return `<p class="footnote"><sup>${escape(label)}</sup> ${this.parser.parseInline(tokens)}</p>\n`;
      },
    },
    {
      name: 'footnoteReference',
      level: 'inline',
      start: (src) => src.indexOf('[^'),
      tokenizer(src) {
        const m = REFERENCE.exec(src);
        return m ? { type: 'footnoteReference', raw: m[0], label: m[1] } : undefined;
      },
      renderer: (t) => `<sup class="footnote">${escape(t['label'] as string)}</sup>`,
    },
  ];
}
