import { describe, expect, it } from 'vitest';
import { Sentences } from './sentences';

describe('Sentences', () => {
  it('gives whole sentences only, each once', () => {
    const s = new Sentences();
    expect(s.take('Hello wor', false)).toEqual([]);
    expect(s.take('Hello world. How a', false)).toEqual(['Hello world.']);
    expect(s.take('Hello world. How are you? Fin', false)).toEqual(['How are you?']);
    expect(s.take('Hello world. How are you? Fine', true)).toEqual(['Fine']);
    expect(s.take('Hello world. How are you? Fine', true)).toEqual([]);
  });

  it('knows Chinese ends, list items and decimals', () => {
    const s = new Sentences();
    expect(s.take('你好。今天3.5度', false)).toEqual(['你好。']);
    expect(new Sentences().take('Two:\n- one\n- tw', false)).toEqual(['Two:', 'one']);
    expect(new Sentences().take('It is 3.5', false)).toEqual([]);
  });
});
