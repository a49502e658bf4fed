// Files that leave the page: a download in a browser, the system's save dialog in the app's own window.
import { api } from './api/client';
import { chooseExport } from './native';

export type Saved = { kind: 'cancelled' } | { kind: 'downloaded' } | { kind: 'saved'; path: string };

/** What an export is called at first: the day, and what kind of file it is. */
export function exportName(format: 'markdown' | 'json', count: number, now = new Date()): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const ending = format === 'json' ? 'json' : count === 1 ? 'md' : 'zip';
  return `qwill-${day}.${ending}`;
}

/** Saves chats as a file; no ids are all of them. */
export async function download(format: 'markdown' | 'json', ids: string[], native: boolean): Promise<Saved> {
  if (native) {
    const path = await chooseExport(exportName(format, ids.length));
    if (path === '') return { kind: 'cancelled' };
    if (path) {
      await api.exportTo(path, format, ids);
      return { kind: 'saved', path };
    }
  }
  // Fetched first, so that what goes wrong can be said.
  const { blob, name } = await api.exportFile(format, ids);
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name || exportName(format, ids.length);
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return { kind: 'downloaded' };
}
