/** Length in characters as Unicode counts them, not in the units of a JavaScript string. */
export function characters(text: string): number {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/** Takes so many units off the front of a suggestion's words. */
export function cutWords(words: string[], units: number): string[] {
  const left: string[] = [];
  for (const word of words) {
    if (units >= word.length) units -= word.length;
    else {
      left.push(word.slice(units));
      units = 0;
    }
  }
  return left;
}
