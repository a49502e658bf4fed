import { describe, expect, it } from 'vitest';
import { characters, cutWords } from './ghost';

describe('characters', () => {
  it('counts one for what takes two units', () => expect(characters('a😀好')).toBe(3));
});

describe('cutWords', () => {
  it('takes off part of a word, and whole ones', () => {
    expect(cutWords([' at', ' noon'], 1)).toEqual(['at', ' noon']);
    expect(cutWords([' at', ' noon'], 3)).toEqual([' noon']);
    expect(cutWords([' at', ' noon'], 4)).toEqual(['noon']);
    expect(cutWords([' at', ' noon'], 8)).toEqual([]);
  });
});
