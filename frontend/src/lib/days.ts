import type { ChatSummary } from './api/types';

export type Bucket = 'today' | 'yesterday' | 'week' | 'month' | { month: Date };

export interface Group {
  bucket: Bucket;
  chats: ChatSummary[];
}

/** Chats, newest first, under the headings that a calendar gives them. */
export function groupByDay(chats: readonly ChatSummary[], now: Date): Group[] {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const dayStart = (days: number) =>
    new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() - days).getTime();
  const groups: Group[] = [];
  let lastKey = '';
  for (const chat of chats) {
    const time = new Date(chat.updated);
    const at = time.getTime();
    let bucket: Bucket;
    if (at >= dayStart(0)) bucket = 'today';
    else if (at >= dayStart(1)) bucket = 'yesterday';
    else if (at >= dayStart(7)) bucket = 'week';
    else if (at >= dayStart(30)) bucket = 'month';
    else bucket = { month: new Date(time.getFullYear(), time.getMonth(), 1) };
    const key = typeof bucket === 'string' ? bucket : String(bucket.month.getTime());
    if (key !== lastKey) groups.push({ bucket, chats: [] });
    lastKey = key;
    groups.at(-1)!.chats.push(chat);
  }
  return groups;
}
