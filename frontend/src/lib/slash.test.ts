import { describe, expect, it } from 'vitest';
import { matching, slashAt, without } from './slash';

describe('slashAt', () => {
  it.each([
    ['/', '', 0],
    ['/pro', 'pro', 0],
    ['a text\n/tr', 'tr', 7],
    ['/校对', '校对', 0],
    ['/make it', 'make it', 0],
  ])('%j', (text, query, start) => {
    expect(slashAt(text, text.length)).toEqual({ start, end: text.length, query });
  });

  it.each(['and/or', 'a /b', '/usr/bin', '/a\n', '5/', '', '/one two three'])('is none: %j', (text) => {
    expect(slashAt(text, text.length)).toBeNull();
  });

  it('looks at the caret, also far down in a long text', () => {
    expect(slashAt('/pro and more', 4)?.query).toBe('pro');
    const long = `${'x'.repeat(100_000)}\n/sum`;
    expect(slashAt(long, long.length)?.start).toBe(100_001);
    const path = `${'x'.repeat(10)}/${'y'.repeat(59)}`;
    expect(slashAt(path, path.length)).toBeNull();
  });
});

describe('matching', () => {
  const commands = [
    { id: 'proofread', key: '1', title: 'Proofread' },
    { id: 'improve', key: '2', title: 'Improve writing' },
    { id: 'summarize', key: '3', title: 'Summarize' },
  ];
  const ids = (query: string) => matching(commands, query, (c) => c.title).map((c) => c.id);

  it('finds by title, word, id and key', () => {
    expect(ids('')).toEqual(['proofread', 'improve', 'summarize']);
    expect(ids('pro')).toEqual(['proofread', 'improve']);
    expect(ids('WRI')).toEqual(['improve']);
    expect(ids('3')).toEqual(['summarize']);
    expect(ids('xyz')).toEqual([]);
  });
});

describe('without', () => {
  const at = (text: string, caret = text.length) => without(text, slashAt(text, caret)!);
  it('takes the command out and leaves the text', () => {
    expect(at('/proof')).toBe('');
    expect(at('a text\n/proof')).toBe('a text');
    expect(at('/proof\na text', 6)).toBe('a text');
  });
});
