import { announcements } from './announce.svelte';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'good' | 'bad';
  /** What can be done about it; `undo` also by the shortcut. */
  action?: { label: string; run: () => void | Promise<void>; undo?: boolean };
}

/** Seconds that a toast stays; it waits while the pointer or the focus is on it. */
export const TOAST_SECONDS = 10;

/** Short messages at the window's edge about what was just done. */
class Toasts {
  list = $state.raw<Toast[]>([]);
  #next = 0;

  readonly undoable = $derived(this.list.findLast((t) => t.action?.undo));

  /** Shows a message; a screen reader hears it with `spoken` after it. */
  show(text: string, more: Partial<Omit<Toast, 'id' | 'text'>> & { spoken?: string } = {}): void {
    const { spoken, ...rest } = more;
    // A second deletion takes the first one's place only in sight: each keeps its own way back.
    this.list = [...this.list.slice(-2), { id: this.#next++, text, tone: 'plain', ...rest }];
    announcements.say(spoken ? `${text} ${spoken}` : text);
  }

  dismiss(toast: Toast): void {
    this.list = this.list.filter((t) => t !== toast);
  }

  async act(toast: Toast): Promise<void> {
    this.dismiss(toast);
    await toast.action?.run();
  }
}

export const toasts = new Toasts();
