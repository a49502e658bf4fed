/** Characters of a long text that are shown before the rest is asked for. */
export const PREVIEW = 1600;
const PREVIEW_LINES = 24;
/** Texts up to this are shown whole. */
const WHOLE = 2400;
const PIECE = 4000;

/** A text as pieces that each end at a line or word; one piece if it is short, else the preview comes first. */
export function pieces(text: string): string[] {
  const lines = lineEnd(text, 0, PREVIEW_LINES + 8);
  if (text.length <= WHOLE && lines === -1) return [text];
  const out: string[] = [];
  const byLines = lineEnd(text, 0, PREVIEW_LINES);
  let at = cut(text, 0, PREVIEW);
  if (byLines !== -1 && byLines < at) at = byLines;
  out.push(text.slice(0, at));
  while (at < text.length) {
    const end = cut(text, at, PIECE);
    out.push(text.slice(at, end));
    at = end;
  }
  return out;
}

/** Index after the n-th line end from `from`; -1 when there are fewer. */
function lineEnd(text: string, from: number, n: number): number {
  let at = from;
  for (let i = 0; i < n; i++) {
    at = text.indexOf('\n', at) + 1;
    if (at === 0) return -1;
  }
  return at;
}

/** Where a piece of about `length` ends: after a line if one ends in its second half, else a word, else anywhere. */
function cut(text: string, from: number, length: number): number {
  let end = from + length;
  if (end >= text.length) return text.length;
  const line = text.lastIndexOf('\n', end);
  if (line > from + length / 2) return line + 1;
  const word = text.lastIndexOf(' ', end);
  if (word > from + length / 2) return word + 1;
  // Never between the two halves of a character.
  if (/[\uD800-\uDBFF]/.test(text[end - 1]!)) end--;
  return end;
}
