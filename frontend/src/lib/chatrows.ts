import type { ChatSummary, Folder } from './api/types';
import { groupByDay, type Bucket } from './days';

export type Heading = 'temporary' | 'pinned' | 'folders' | Bucket;

/** One line of the list of chats. A chat's key is its id, a folder's has "f:" before it. */
export type Row =
  | { kind: 'head'; key: string; heading: Heading }
  | { kind: 'folder'; key: string; folder: Folder; open: boolean; count: number }
  | { kind: 'empty'; key: string }
  | { kind: 'chat'; key: string; chat: ChatSummary; inside: boolean };

export const folderKey = (id: string) => `f:${id}`;

/** The list of chats, line by line; every chat is in it once, unless its folder is closed. */
export function rowsOf(
  chats: readonly ChatSummary[],
  folders: readonly Folder[],
  open: ReadonlySet<string>,
  now: Date,
): Row[] {
  const rows: Row[] = [];
  const known = new Set(folders.map((f) => f.id));
  const inFolder = new Map<string, ChatSummary[]>();
  const temporary: ChatSummary[] = [];
  const pinned: ChatSummary[] = [];
  const loose: ChatSummary[] = [];
  for (const chat of chats) {
    if (chat.temporary) temporary.push(chat);
    else if (chat.pinned) pinned.push(chat);
    else if (known.has(chat.folder)) {
      const list = inFolder.get(chat.folder);
      if (list) list.push(chat);
      else inFolder.set(chat.folder, [chat]);
    } else loose.push(chat);
  }
  const head = (heading: Heading) => {
    const key = typeof heading === 'string' ? heading : String(heading.month.getTime());
    rows.push({ kind: 'head', key: `h:${key}`, heading });
  };
  const put = (list: readonly ChatSummary[], inside = false) => {
    for (const chat of list) rows.push({ kind: 'chat', key: chat.id, chat, inside });
  };
  if (temporary.length) {
    head('temporary');
    put(temporary);
  }
  if (pinned.length) {
    head('pinned');
    put(pinned);
  }
  if (folders.length) {
    head('folders');
    for (const folder of folders) {
      const inside = inFolder.get(folder.id) ?? [];
      const isOpen = open.has(folder.id);
      rows.push({ kind: 'folder', key: folderKey(folder.id), folder, open: isOpen, count: inside.length });
      if (!isOpen) continue;
      if (inside.length) put(inside, true);
      else rows.push({ kind: 'empty', key: `e:${folder.id}` });
    }
  }
  for (const group of groupByDay(loose, now)) {
    head(group.bucket);
    put(group.chats);
  }
  return rows;
}

/** The ids of the chats between two lines, both included, in the list's order. */
export function chatsBetween(rows: readonly Row[], from: string, to: string): string[] {
  const a = rows.findIndex((r) => r.key === from);
  const b = rows.findIndex((r) => r.key === to);
  if (a < 0 || b < 0) return [];
  return rows.slice(Math.min(a, b), Math.max(a, b) + 1).flatMap((r) => (r.kind === 'chat' ? [r.chat.id] : []));
}
