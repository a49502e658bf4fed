import { expect, it } from 'vitest';
import type { ChatSummary } from './api/types';
import { groupByDay } from './days';

it('groups chats by calendar days, not by hours', () => {
  const now = new Date(2026, 2, 30, 1, 0); // 01:00, the day after a change to summer time in Europe
  const chat = (id: string, at: Date): ChatSummary => ({
    id,
    title: id,
    updated: at.toISOString(),
    model: '',
    replying: false,
    pinned: false,
    folder: '',
    temporary: false,
    door: 'chat',
  });
  const groups = groupByDay(
    [
      chat('a', new Date(2026, 2, 30, 0, 5)),
      chat('b', new Date(2026, 2, 29, 23, 59)),
      chat('c', new Date(2026, 2, 29, 0, 0)),
      chat('d', new Date(2026, 2, 28, 23, 59)),
      chat('e', new Date(2026, 2, 10)),
      chat('f', new Date(2026, 0, 10)),
      chat('g', new Date(2026, 0, 2)),
    ],
    now,
  );
  expect(groups.map((g) => [typeof g.bucket, g.chats.map((c) => c.id).join('')])).toEqual([
    ['string', 'a'],
    ['string', 'bc'],
    ['string', 'd'],
    ['string', 'e'],
    ['object', 'fg'],
  ]);
  expect(groups.slice(0, 4).map((g) => g.bucket)).toEqual(['today', 'yesterday', 'week', 'month']);
});
