import { describe, expect, it } from 'vitest';
import { score } from './fuzzy';

const best = (query: string, texts: string[]) =>
  texts
    .map((t) => ({ t, s: score(query, t) }))
    .filter((x) => x.s > 0)
    .sort((a, b) => b.s - a.s)
    .map((x) => x.t);

describe('fuzzy matching', () => {
  it('puts the text itself before a word start, that before the middle', () => {
    expect(best('chat', ['Escharchat', 'New chat', 'Chat'])).toEqual(['Chat', 'New chat', 'Escharchat']);
  });

  it('finds initials and parts of several words in any order', () => {
    expect(score('ntc', 'New temporary chat')).toBeGreaterThan(0);
    expect(score('chat new', 'New chat')).toBeGreaterThan(0);
    expect(score('chat old', 'New chat')).toBe(0);
  });

  it('does not find letters that are merely there', () => {
    expect(score('ehe', 'Keyboard shortcuts to everything else')).toBe(0);
    expect(score('zzz', 'New chat')).toBe(0);
  });

  it('reads over accents and case, and takes Chinese', () => {
    expect(score('RESUME', 'Résumé')).toBe(1);
    expect(score('设置', '打开设置')).toBeGreaterThan(0.5);
  });

  it('takes further words only whole', () => {
    expect(score('dark', 'Appearance', 'theme light dark')).toBe(0.3);
    expect(score('drk', 'Appearance', 'theme light dark')).toBe(0);
  });

  it('takes everything for nothing', () => expect(score('  ', 'x')).toBe(1));
});
