// Code highlighting. The languages are loaded when the first code block is complete.

const MAX_LENGTH = 60_000;
const CACHE_LIMIT = 200;
const cache = new Map<string, string | null>();
let library: typeof import('./languages') | undefined;

export async function loadHighlighter(): Promise<void> {
  library ??= await import('./languages');
}

/** Highlighted HTML; null for a language that is not known or a very long code, undefined until the languages are loaded. */
export function highlighted(code: string, language: string): string | null | undefined {
  if (!language || code.length > MAX_LENGTH) return null;
  if (!library) return undefined;
  const key = `${language}\n${code}`;
  let html = cache.get(key);
  if (html !== undefined) return html;
  const { hljs } = library;
  html = hljs.getLanguage(language) ? hljs.highlight(code, { language, ignoreIllegals: true }).value : null;
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
  cache.set(key, html);
  return html;
}
