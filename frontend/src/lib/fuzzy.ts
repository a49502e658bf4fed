// Matching of what is typed in the palette: every word must be found, letters in order, word starts first.

const fold = (s: string) => s.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** How well `text` answers `query`: 0 is not at all, 1 is the text itself. */
export function score(query: string, text: string, more = ''): number {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (!words.length) return 1;
  const label = fold(text);
  const rest = fold(more);
  let sum = 0;
  for (const word of words) {
    // What is said besides the label counts only where it holds the word whole.
    const best = Math.max(scoreWord(word, label), rest.includes(word) ? 0.3 : 0);
    if (!best) return 0;
    sum += best;
  }
  return sum / words.length;
}

function scoreWord(word: string, text: string): number {
  if (text === word) return 1;
  const whole = text.indexOf(word);
  if (whole >= 0) {
    const start = whole === 0 || !/[\p{L}\p{N}]/u.test(text[whole - 1]!);
    return (start ? 0.9 : 0.6) + 0.09 * (word.length / text.length);
  }
  // Letters in order: runs and word starts make it likely that this was meant.
  let at = 0;
  let points = 0;
  let last = -2;
  for (const letter of word) {
    const found = text.indexOf(letter, at);
    if (found < 0) return 0;
    const start = found === 0 || !/[\p{L}\p{N}]/u.test(text[found - 1]!);
    points += found === last + 1 ? 1 : start ? 0.9 : 0.2;
    last = found;
    at = found + letter.length;
  }
  const share = points / word.length;
  return share < 0.6 ? 0 : 0.5 * share;
}
