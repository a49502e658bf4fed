// The commands behind "/" in the composer.
import type { Command } from './api/types';

/** "/" and what was typed after it, at the start of a line that ends at the caret. */
const TOKEN = /(?:^|\n)(\/([\p{L}\p{N}_-]*(?: [\p{L}\p{N}_-]*)?))$/u;

export interface Slash {
  /** Where the "/" stands, and where what was typed after it ends. */
  start: number;
  end: number;
  query: string;
}

export function slashAt(text: string, caret: number): Slash | null {
  // A command's name is short: no need to look at more.
  const from = Math.max(0, caret - 60);
  const m = TOKEN.exec(text.slice(from, caret));
  if (!m || (from > 0 && m.index === 0 && text[from] === '/')) return null;
  return { start: caret - m[1]!.length, end: caret, query: m[2]! };
}

/** The commands that a query means, those that begin with it first. */
export function matching<C extends Pick<Command, 'id' | 'key'>>(
  commands: C[],
  query: string,
  title: (command: C) => string,
): C[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return commands;
  const rank = (command: C) => {
    const words = title(command).toLowerCase();
    if (command.key === wanted || words.startsWith(wanted) || command.id.startsWith(wanted)) return 0;
    if (words.split(/\s+/).some((w) => w.startsWith(wanted))) return 1;
    return words.includes(wanted) ? 2 : 3;
  };
  return commands
    .map((command, i) => ({ command, i, rank: rank(command) }))
    .filter((c) => c.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.i - b.i)
    .map((c) => c.command);
}

/** The text without the "/…" that chose a command. */
export function without(text: string, slash: Slash): string {
  const before = text.slice(0, slash.start);
  const after = text.slice(slash.end);
  return after.trim() ? before + after.replace(/^\n/, '') : before.trimEnd() + after.trimEnd();
}
