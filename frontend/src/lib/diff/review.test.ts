import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../api/types';
import { acceptable, actionOf, nextOpen, partsOf, resultOf, type Part } from './review';

const segment: fc.Arbitrary<Segment> = fc.oneof(
  fc.string().map((s) => ({ kind: 'same' as const, old: s, new: s })),
  fc.record({ kind: fc.constant('change' as const), old: fc.string(), new: fc.string() }),
);

const changes = (parts: Part[]) => parts.flatMap((p) => (p.kind === 'change' ? [p.change] : []));

describe('review', () => {
  it('gives the original when all is rejected and the result when all is accepted', () => {
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const parts = partsOf(segments);
        expect(resultOf(parts)).toBe(segments.map((s) => s.new).join(''));
        for (const c of changes(parts)) c.decision = 'rejected';
        expect(resultOf(parts)).toBe(segments.map((s) => s.old).join(''));
        for (const c of changes(parts)) c.decision = 'accepted';
        expect(resultOf(parts)).toBe(segments.map((s) => s.new).join(''));
      }),
    );
  });

  it('mixes single decisions', () => {
    const parts = partsOf([
      { kind: 'same', old: 'I ', new: 'I ' },
      { kind: 'change', old: 'has', new: 'have' },
      { kind: 'same', old: ' two ', new: ' two ' },
      { kind: 'change', old: 'cat', new: 'cats' },
    ]);
    changes(parts)[0]!.decision = 'rejected';
    expect(resultOf(parts)).toBe('I has two cats');
  });

  it('finds the next open change, going round', () => {
    const parts = partsOf(['a', 'b', 'c'].map((s) => ({ kind: 'change', old: s, new: s + s })));
    const list = changes(parts);
    list[2]!.decision = 'accepted';
    expect(nextOpen(list, 1)).toBe(0);
    for (const c of list) c.decision = 'accepted';
    expect(nextOpen(list, 1)).toBe(-1);
    expect(nextOpen([], 0)).toBe(-1);
  });

  it('maps keys, and leaves those with modifiers to the system', () => {
    const key = (key: string, extra = {}) => actionOf(new KeyboardEvent('keydown', { key, ...extra }));
    expect(key('j')).toBe('next');
    expect(key('ArrowLeft')).toBe('previous');
    expect(key('Home')).toBe('first');
    expect(key('End')).toBe('last');
    expect(key('Enter')).toBe('accept');
    expect(key('Enter', { shiftKey: true })).toBe('acceptAll');
    expect(key('Backspace')).toBe('reject');
    expect(key('Delete', { metaKey: true })).toBeNull();
    expect(key('x')).toBeNull();
  });
});

it('leaves a change with a warning to a decision of its own', () => {
  const parts = partsOf([
    { kind: 'change', old: 'pay', new: 'Pay', id: 1 },
    { kind: 'same', old: ' ', new: ' ' },
    { kind: 'change', old: '300', new: '500', id: 2, faults: [{ kind: 'number', old: '300', new: '500' }] },
  ]);
  const changes = parts.flatMap((p) => (p.kind === 'change' ? [p.change] : []));
  expect(changes.map(acceptable)).toEqual([true, false]);
  expect(resultOf(parts)).toBe('Pay 300');
  changes[1]!.decision = 'accepted';
  expect(resultOf(parts)).toBe('Pay 500');
});
