// A person's rules for suggestions, as two lists of programs.
import type { SuggestRule } from './api/types';

/** Programs without suggestions, and those that have them all the same, one a line. */
export function listed(rules: SuggestRule[]): { never: string; also: string } {
  const names = (suggest: boolean) =>
    rules
      .filter((rule) => rule.suggest === suggest)
      .flatMap((rule) => rule.apps)
      .join('\n');
  return { never: names(false), also: names(true) };
}

/** The rules of two lists. What was said of a program beside that is kept. */
export function ruled(before: SuggestRule[], never: string, also: string): SuggestRule[] {
  const lines = (list: string) => [...new Set(list.split('\n').map((line) => line.trim()))].filter((line) => line);
  const oneLine = (app: string) => before.some((rule) => rule.suggest && rule.one_line && rule.apps.includes(app));
  return [
    ...lines(never).map((app) => ({ apps: [app], suggest: false })),
    ...lines(also).map((app) => ({ apps: [app], suggest: true, ...(oneLine(app) ? { one_line: true } : {}) })),
  ];
}
