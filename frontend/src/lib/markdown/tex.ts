// Formulas, set by KaTeX. It is loaded when the first one appears.
import type katex from 'katex';

const CACHE_LIMIT = 500;
const cache = new Map<string, string>();
let library: typeof katex | undefined;

export async function loadTex(): Promise<void> {
  library ??= (await import('katex')).default;
}

/** KaTeX's HTML and MathML of a formula; undefined until the library is loaded. */
export function formula(tex: string, display: boolean): string | undefined {
  if (!library) return undefined;
  const key = `${display ? 'd' : 'i'}${tex}`;
  let html = cache.get(key);
  if (html !== undefined) return html;
  html = library.renderToString(tex, {
    displayMode: display,
    throwOnError: false,
    strict: 'ignore',
    // No links, images or styles of the text's own; no formula larger than the page; no endless macros.
    trust: false,
    maxSize: 20,
    maxExpand: 300,
    errorColor: 'currentColor',
  });
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
  cache.set(key, html);
  return html;
}
