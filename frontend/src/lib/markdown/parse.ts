// Markdown to HTML without a DOM, for the worker. What comes out is made safe by sanitize.ts.
import { Marked, type Token, type Tokens } from 'marked';
import { footnoteExtensions } from './footnotes';
import { highlighted } from './highlight';
import { mathExtensions } from './math';
import { formula } from './tex';

/** Code with more lines than this is folded. */
export const FOLD_LINES = 30;

export interface Html {
  html: string;
  /** KaTeX's HTML for each element with the class "math" in `html`, in order; '' while it is not loaded. */
  math: string[];
  /** What must be loaded before this can be rendered in full. */
  missing: 'none' | 'library';
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

let growing = false;
let final = true;
let out: Html = { html: '', math: [], missing: 'none' };

const languageOf = (token: Tokens.Code) => (token.lang ?? '').trim().split(/\s/)[0] ?? '';

const marked = new Marked({
  gfm: true,
  breaks: false,
  extensions: [
    ...mathExtensions(
      () => growing,
      ({ tex, display, closed }) => {
        const html = closed ? formula(tex, display) : undefined;
        if (closed && html === undefined) out.missing = 'library';
        out.math.push(html ?? '');
        const tag = display ? 'div' : 'span';
        const kind = display ? 'math display' : 'math';
        return `<${tag} class="${kind}">${escape(tex)}</${tag}>`;
      },
    ),
    ...footnoteExtensions(escape),
  ],
  renderer: {
    code(token: Tokens.Code) {
      const language = languageOf(token);
      // Code that still grows is not coloured: it would be done again with each word.
      const coloured = final ? highlighted(token.text, language) : null;
      if (coloured === undefined) out.missing = 'library';
      const lines = token.text.split('\n').length;
      const long = final && lines > FOLD_LINES;
      return (
        `<figure class="code"${long ? ` data-lines="${lines}"` : ''}>` +
        `<figcaption><span>${escape(language)}</span><button type="button" data-act="copy"></button></figcaption>` +
        `<pre tabindex="0"><code data-language="${escape(language)}">${coloured ?? escape(token.text)}</code></pre>` +
        (long ? '<button type="button" data-act="fold" aria-expanded="true"></button>' : '') +
        '</figure>\n'
      );
    },
    // What the model writes as HTML is shown, not interpreted.
    html({ text }: Tokens.HTML | Tokens.Tag) {
      return escape(text);
    },
    // An image would be fetched from elsewhere and tell who reads it.
    image({ href, text }: Tokens.Image) {
      return `<a href="${escape(href)}"${text ? '' : ' data-act="image"'}>${escape(text)}</a>`;
    },
    listitem(item: Tokens.ListItem) {
      const body = this.parser.parse(item.tokens);
      return item.task ? `<li class="task">${body}</li>\n` : `<li>${body}</li>\n`;
    },
    checkbox({ checked }: Tokens.Checkbox) {
      return `<span class="box" role="img" data-act="${checked ? 'done' : 'todo'}">${checked ? '☑' : '☐'}</span> `;
    },
    table(token: Tokens.Table) {
      const cell = (c: Tokens.TableCell, tag: 'th scope="col"' | 'td') =>
        `<${tag}${c.align ? ` class="${c.align}"` : ''}>${this.parser.parseInline(c.tokens)}</${tag.slice(0, 2)}>`;
      const head = token.header.map((c) => cell(c, 'th scope="col"')).join('');
      const rows = token.rows.map((row) => `<tr>${row.map((c) => cell(c, 'td')).join('')}</tr>`).join('');
      return (
        '<div class="table" tabindex="0" role="group" data-act="table">' +
        `<table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`
      );
    },
  },
});

/** The top-level tokens of a text; one that still grows may end inside a formula. */
export function lex(text: string, open: boolean): Token[] {
  growing = open;
  return marked.lexer(text);
}

/** One top-level token as HTML. `closed`: no more text will be added to it. */
export function toHtml(token: Token, closed: boolean): Html {
  final = closed;
  out = { html: '', math: [], missing: 'none' };
  out.html = marked.parser([token]);
  return out;
}

/** Blank lines and link definitions show nothing. */
export const shows = (token: Token) => token.type !== 'space' && token.type !== 'def';
