import { describe, expect, it } from 'vitest';
import type { ChatSummary } from './api/types';
import { chatsBetween, rowsOf } from './chatrows';

const now = new Date(2026, 10, 23, 12);
const chat = (id: string, more: Partial<ChatSummary> = {}): ChatSummary => ({
  id,
  title: id,
  updated: new Date(2026, 10, 23, 9).toISOString(),
  model: 'm',
  replying: false,
  pinned: false,
  folder: '',
  temporary: false,
  door: 'chat',
  ...more,
});
const folders = [{ id: 'work', name: 'Work', chats: 1 }];

describe('the list of chats', () => {
  it('shows each chat once: temporary, pinned, in its folder, by day', () => {
    const rows = rowsOf(
      [
        chat('a'),
        chat('b', { pinned: true, folder: 'work' }),
        chat('c', { folder: 'work' }),
        chat('d', { temporary: true }),
        chat('e', { folder: 'gone' }),
      ],
      folders,
      new Set(['work']),
      now,
    );
    expect(rows.map((r) => r.key)).toEqual([
      'h:temporary',
      'd',
      'h:pinned',
      'b',
      'h:folders',
      'f:work',
      'c',
      'h:today',
      'a',
      'e',
    ]);
  });

  it('hides what a closed folder holds and says when an open one is empty', () => {
    const chats = [chat('c', { folder: 'work' })];
    expect(rowsOf(chats, folders, new Set(), now).map((r) => r.key)).toEqual(['h:folders', 'f:work']);
    expect(rowsOf([], folders, new Set(['work']), now).map((r) => r.key)).toEqual(['h:folders', 'f:work', 'e:work']);
  });

  it('gives the chats between two lines in order, whichever comes first', () => {
    const rows = rowsOf([chat('a'), chat('b'), chat('c')], folders, new Set(), now);
    expect(chatsBetween(rows, 'c', 'f:work')).toEqual(['a', 'b', 'c']);
    expect(chatsBetween(rows, 'b', 'b')).toEqual(['b']);
    expect(chatsBetween(rows, 'b', 'gone')).toEqual([]);
  });

  it('is quick for many chats', () => {
    const many = Array.from({ length: 2000 }, (_, i) =>
      chat(String(i), { updated: new Date(2026, 10, 23, 9 - i).toISOString() }),
    );
    const start = performance.now();
    const rows = rowsOf(many, folders, new Set(), now);
    expect(performance.now() - start).toBeLessThan(100);
    expect(rows.filter((r) => r.kind === 'chat')).toHaveLength(2000);
  });
});
