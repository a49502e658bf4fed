import { SvelteSet } from 'svelte/reactivity';
import { i18n } from '../i18n/index.svelte';
import { api } from '../lib/api/client';
import type { ChatSummary, Folder } from '../lib/api/types';
import { download, type Saved } from '../lib/files';
import { router } from '../lib/router.svelte';
import { keyHint } from '../lib/shortcuts';
import { app } from './app.svelte';
import { conversation } from './conversation.svelte';
import { toasts } from './toasts.svelte';

const OPEN_KEY = 'qwill.folders.open';

function readOpen(): string[] {
  try {
    const ids: unknown = JSON.parse(localStorage.getItem(OPEN_KEY) ?? '[]');
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

export type ExportFormat = 'markdown' | 'json';

/** The list of chats: what is selected in it and open, and what is done to its chats. */
class ChatList {
  /** True while the list's lines are chosen from instead of opened. */
  selecting = $state(false);
  readonly selected = new SvelteSet<string>();
  readonly openFolders = new SvelteSet<string>(readOpen());
  /** The line that a range is chosen from. */
  anchor = '';

  /** Selected chats that still exist. */
  readonly chosen = $derived(app.chats.filter((c) => this.selected.has(c.id)).map((c) => c.id));

  titleOf(chat: Pick<ChatSummary, 'title' | 'temporary'>): string {
    return chat.title || (chat.temporary ? i18n.t.sidebar.temporary : i18n.t.sidebar.untitled);
  }

  select(ids: readonly string[], on = true): void {
    this.selecting = true;
    for (const id of ids) {
      if (on) this.selected.add(id);
      else this.selected.delete(id);
    }
  }

  endSelection(): void {
    this.selecting = false;
    this.selected.clear();
    this.anchor = '';
  }

  setOpen(folder: string, open: boolean): void {
    if (open) this.openFolders.add(folder);
    else this.openFolders.delete(folder);
    try {
      localStorage.setItem(OPEN_KEY, JSON.stringify([...this.openFolders]));
    } catch {
      // Without storage folders are closed at the next start.
    }
  }

  /** Deletes chats; they can be brought back while the message about it is shown. */
  async remove(ids: readonly string[]): Promise<boolean> {
    const gone = app.chats.filter((c) => ids.includes(c.id));
    if (!gone.length) return false;
    const shown = gone.find((c) => c.id === conversation.id);
    const done = await app.attempt(async () => {
      if (gone.length === 1) await api.deleteChat(gone[0]!.id);
      else await api.deleteChats(gone.map((c) => c.id));
      return true;
    });
    if (!done) return false;
    app.chats = app.chats.filter((c) => !gone.includes(c));
    this.endSelection();
    if (shown) conversation.reset();
    const t = i18n.t.sidebar;
    const kept = gone.filter((c) => !c.temporary);
    if (!kept.length) {
      toasts.show(t.temporaryClosed);
      return true;
    }
    const said =
      gone.length === 1 ? t.deletedOne(this.titleOf(gone[0]!)) : t.deleted(gone.length, i18n.format.whole(gone.length));
    toasts.show(said, {
      spoken: t.undoSpoken(keyHint('undo')),
      action: {
        label: t.undo,
        undo: true,
        run: () =>
          this.#restore(
            kept.map((c) => c.id),
            shown?.temporary ? undefined : shown?.id,
          ),
      },
    });
    return true;
  }

  async #restore(ids: string[], open: string | undefined): Promise<void> {
    const back = await app.attempt(() => api.restoreChats(ids));
    if (!back) return;
    app.refreshChats();
    if (open && back.some((c) => c.id === open)) router.go({ name: 'chat', id: open });
    toasts.show(i18n.t.sidebar.restored(back.length, i18n.format.whole(back.length)), { tone: 'good' });
  }

  async rename(id: string, title: string): Promise<void> {
    if (id === conversation.id) await conversation.change({ title });
    else await app.attempt(() => api.changeChat(id, { title }));
    app.refreshChats();
  }

  async pin(ids: readonly string[], pinned: boolean): Promise<void> {
    await this.#change(ids, { pinned });
  }

  /** Moves chats into a folder, or out of all with ''. */
  async move(ids: readonly string[], folder: string): Promise<void> {
    if (folder) this.setOpen(folder, true);
    // A pinned chat would stay where it is; who moves it wants to see it there.
    await this.#change(ids, folder ? { folder, pinned: false } : { folder });
  }

  async #change(ids: readonly string[], fields: { folder?: string; pinned?: boolean }): Promise<void> {
    const wanted = ids.filter((id) => app.chats.some((c) => c.id === id && !c.temporary));
    if (!wanted.length) return;
    const before = app.chats;
    app.chats = before.map((c) => (wanted.includes(c.id) ? { ...c, ...fields } : c));
    const changed = await app.attempt(() => api.changeChats([...wanted], fields));
    if (!changed) app.chats = before;
    app.refreshChats();
    this.endSelection();
  }

  async createFolder(name: string, ids: readonly string[] = []): Promise<Folder | undefined> {
    const folder = await app.attempt(() => api.createFolder(name));
    if (!folder) return undefined;
    if (!app.folders.some((f) => f.id === folder.id)) app.folders = [...app.folders, folder];
    if (ids.length) await this.move(ids, folder.id);
    else this.setOpen(folder.id, true);
    return folder;
  }

  async renameFolder(folder: Folder, name: string): Promise<void> {
    const renamed = await app.attempt(() => api.renameFolder(folder.id, name));
    if (renamed) app.folders = app.folders.map((f) => (f.id === renamed.id ? renamed : f));
  }

  /** Deletes a folder; its chats stay, and the folder can be had back. */
  async removeFolder(folder: Folder): Promise<void> {
    const inside = app.chats.filter((c) => c.folder === folder.id).map((c) => c.id);
    const done = await app.attempt(async () => {
      await api.deleteFolder(folder.id);
      return true;
    });
    if (!done) return;
    app.folders = app.folders.filter((f) => f.id !== folder.id);
    app.chats = app.chats.map((c) => (c.folder === folder.id ? { ...c, folder: '' } : c));
    app.refreshChats();
    const t = i18n.t.sidebar;
    toasts.show(t.folderDeleted(folder.name), {
      spoken: t.undoSpoken(keyHint('undo')),
      action: {
        label: t.undo,
        undo: true,
        run: async () => {
          await this.createFolder(folder.name, inside);
        },
      },
    });
  }

  /** Opens a chat that is never written to the disk. */
  async newTemporary(): Promise<void> {
    const shown = app.chats.find((c) => c.id === conversation.id);
    if (shown?.temporary && conversation.messages.length === 0) return;
    const chat = await app.attempt(() => api.createChat({ temporary: true }));
    if (!chat) return;
    app.refreshChats();
    router.go({ name: 'chat', id: chat.id });
  }

  /** Saves chats as a file; no ids are all of them. */
  async export(format: ExportFormat, ids: readonly string[] = []): Promise<void> {
    const saved = await app.attempt<Saved>(() => download(format, [...ids], app.native));
    if (!saved || saved.kind === 'cancelled') return;
    toasts.show(saved.kind === 'saved' ? i18n.t.transfer.savedTo(saved.path) : i18n.t.transfer.exported, {
      tone: 'good',
    });
  }
}

export const chatList = new ChatList();
