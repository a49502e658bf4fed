import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';
import { cachedHighlight } from './highlight';

export interface Labels {
  copy: string;
  code: string;
  image: string;
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

let labels: Labels = { copy: 'Copy', code: 'Code', image: 'Image' };

const marked = new Marked({
  gfm: true,
  breaks: false,
  renderer: {
    code({ text, lang }: Tokens.Code) {
      const language = (lang ?? '').trim().split(/\s/)[0] ?? '';
      const body = cachedHighlight(text, language) ?? escape(text);
      return (
        `<figure class="code" aria-label="${escape(language ? `${labels.code}, ${language}` : labels.code)}">` +
        `<figcaption><span>${escape(language)}</span><button type="button" data-copy="code">${escape(labels.copy)}</button></figcaption>` +
        `<pre tabindex="0"><code data-language="${escape(language)}">${body}</code></pre></figure>\n`
      );
    },
    // What the model writes as HTML is shown, not interpreted.
    html({ text }: Tokens.HTML | Tokens.Tag) {
      return escape(text);
    },
    // An image would be fetched from elsewhere and tell who reads it.
    image({ href, text }: Tokens.Image) {
      return `<a href="${escape(href)}">${escape(text || labels.image)}</a>`;
    },
    checkbox({ checked }: Tokens.Checkbox) {
      return checked ? '☑ ' : '☐ ';
    },
    table(token: Tokens.Table) {
      const cell = (c: Tokens.TableCell, tag: 'th' | 'td') =>
        `<${tag}${c.align ? ` class="${c.align}"` : ''}>${this.parser.parseInline(c.tokens)}</${tag}>`;
      const head = token.header.map((c) => cell(c, 'th')).join('');
      const rows = token.rows.map((row) => `<tr>${row.map((c) => cell(c, 'td')).join('')}</tr>`).join('');
      return `<div class="table" tabindex="0" role="group"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
    },
  },
});

const SANITIZE = {
  ALLOWED_TAGS: (
    'a b blockquote br button code del div em figcaption figure h1 h2 h3 h4 h5 h6 hr i li ol p pre s span strong ' +
    'sub sup table tbody td th thead tr ul'
  ).split(' '),
  ALLOWED_ATTR: ['href', 'class', 'type', 'start', 'tabindex', 'role', 'aria-label', 'data-copy', 'data-language'],
  ALLOW_DATA_ATTR: false,
  // The pattern below would otherwise be asked about these as well.
  ADD_URI_SAFE_ATTR: ['type', 'start', 'tabindex', 'aria-label', 'data-copy', 'data-language'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
};

const cache = new Map<string, string>();
const CACHE_LIMIT = 400;

export function setLabels(next: Labels): void {
  labels = next;
  cache.clear();
}

/** One block of Markdown as safe HTML. Final blocks are remembered. */
export function renderBlock(src: string, final: boolean): string {
  const known = final ? cache.get(src) : undefined;
  if (known !== undefined) return known;
  const html = DOMPurify.sanitize(marked.parse(src, { async: false }), SANITIZE);
  if (final) {
    if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
    cache.set(src, html);
  }
  return html;
}

/** Forgets a rendered block, so that its next rendering takes in what was learned meanwhile. */
export function forgetBlock(src: string): void {
  cache.delete(src);
}

/** Markdown as plain text for a screen reader. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/```[^\n]*\n?/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s{0,3}(?:#{1,6}|>|[-*+]|\d+[.)])\s+/gm, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
