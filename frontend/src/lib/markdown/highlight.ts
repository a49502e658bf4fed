// Code highlighting, loaded when the first code block is complete and run when
// the page is idle.

const MAX_LENGTH = 60_000;
const CACHE_LIMIT = 200;
const cache = new Map<string, string>();

const key = (code: string, language: string) => `${language}\n${code}`;

/** The highlighted HTML if it was made before. */
export function cachedHighlight(code: string, language: string): string | undefined {
  return cache.get(key(code, language));
}

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: 500 });
    else setTimeout(resolve, 30);
  });
}

/** Highlighted HTML, or undefined for a language that is not known or a very long code. */
export async function highlight(code: string, language: string): Promise<string | undefined> {
  if (!language || code.length > MAX_LENGTH) return undefined;
  const known = cachedHighlight(code, language);
  if (known !== undefined) return known;
  const { hljs } = await import('./languages');
  if (!hljs.getLanguage(language)) return undefined;
  await idle();
  const html = hljs.highlight(code, { language, ignoreIllegals: true }).value;
  if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!);
  cache.set(key(code, language), html);
  return html;
}
