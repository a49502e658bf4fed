import { i18n } from '../i18n/index.svelte';
import { api, asErrorBody } from '../lib/api/client';
import type { ApiErrorBody, ChatSummary } from '../lib/api/types';
import { announcements } from './announce.svelte';
import { app } from './app.svelte';

export interface Imported {
  chats: ChatSummary[];
  /** What was left out, and why; `file` where several were read. */
  skipped: { file: string; error: ApiErrorBody }[];
}

/** Reads exported chats of Qwill and of other apps. */
class Transfer {
  busy = $state(false);
  /** What the last import brought; shown until it is closed. */
  result = $state.raw<Imported | null>(null);

  /** Asks for files with the system's dialog. */
  pick(): void {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.accept = '.json,.zip,application/json,application/zip';
    input.addEventListener('change', () => void this.import([...(input.files ?? [])]));
    input.click();
  }

  async import(files: File[]): Promise<void> {
    if (!files.length || this.busy) return;
    this.busy = true;
    announcements.say(i18n.t.transfer.importing);
    const result: Imported = { chats: [], skipped: [] };
    for (const file of files) {
      try {
        const { imported, skipped } = await api.importChats(file);
        result.chats.push(...(imported ?? []));
        result.skipped.push(...(skipped ?? []).map((error) => ({ file: file.name, error })));
      } catch (thrown) {
        result.skipped.push({ file: file.name, error: asErrorBody(thrown) });
      }
    }
    this.busy = false;
    this.result = result;
    app.refreshChats();
  }
}

export const transfer = new Transfer();
