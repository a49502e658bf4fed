import fc from 'fast-check';
import { expect, it } from 'vitest';
import { pieces } from './longtext';

it('loses nothing, cuts no character, and makes pieces of a bearable length', () => {
  const part = fc.oneof(
    fc.constant('\n'),
    fc.string({ unit: 'grapheme', maxLength: 3000 }),
    fc.constant('字🙂'.repeat(900)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const out = pieces(text);
      expect(out.join('')).toBe(text);
      for (const piece of out) {
        expect(piece.length).toBeLessThanOrEqual(4001);
        expect(() => encodeURIComponent(piece)).not.toThrow(); // as half a character would
      }
    }),
    { numRuns: 100 },
  );
});

it('shows a short text whole and a long one by its beginning', () => {
  expect(pieces('short')).toEqual(['short']);
  expect(pieces('word '.repeat(2000))[0]!.length).toBeLessThanOrEqual(1600);
  expect(pieces('line\n'.repeat(400))[0]!.split('\n').length).toBeLessThanOrEqual(25);
});
