// All checks of the page's words.
import { counts, entries, foreign, missing, unused, used } from './catalogues.js';
import { literals, locales } from './literals.js';

/**
 * @param {import('./source.js').Source[]} all
 * @param {typeof import('./allowed.js')} allowed
 * @returns {import('./source.js').Finding[]}
 */
export function check(all, allowed) {
  const of = (language) => all.filter(({ file }) => file.startsWith(`i18n/${language}/`));
  const page = all.filter(({ file }) => !/^i18n\/(en|zh-Hans)(\/|\.ts$)/.test(file));
  const english = entries(of('en'));
  const chinese = entries(of('zh-Hans'));
  const needed = new Set();
  const outside = page.flatMap(literals).filter(({ file, text }) => {
    const entry = allowed.LITERALS.find((one) => one.file.test(file) && one.text.test(text));
    if (entry) needed.add(entry);
    return !entry;
  });
  const stale = [
    ...allowed.LITERALS.filter((entry) => !needed.has(entry)).map(({ text }) => String(text)),
    ...allowed.ALWAYS_PLURAL.filter(({ key }) => !english.has(key)).map(({ key }) => key),
    ...allowed.USED.filter(({ key }) => !english.has(key)).map(({ key }) => key),
  ].map((text) => ({ file: '../lint/allowed.js', line: 0, text, rule: 'allowed, but no longer there' }));
  const paths = used(page);
  for (const { key } of allowed.USED) paths.add(key);
  return [
    ...outside,
    ...stale,
    ...page.flatMap(locales),
    ...missing(english, chinese, 'zh-Hans'),
    ...missing(chinese, english, 'en'),
    ...foreign(chinese, allowed.NAMES),
    ...counts(
      english,
      allowed.ALWAYS_PLURAL.map(({ key }) => key),
    ),
    ...unused(english, paths),
  ];
}
