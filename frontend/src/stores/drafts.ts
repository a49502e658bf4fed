// What was typed and not sent yet, by chat; it survives a reload of the page.

const key = (id: string | null) => `qwill.draft.${id ?? 'new'}`;

export function readDraft(id: string | null): string {
  try {
    return sessionStorage.getItem(key(id)) ?? '';
  } catch {
    return '';
  }
}

export function keepDraft(id: string | null, text: string): void {
  try {
    if (text) sessionStorage.setItem(key(id), text);
    else sessionStorage.removeItem(key(id));
  } catch {
    // Storage is full or forbidden: the draft lives as long as the page.
  }
}
