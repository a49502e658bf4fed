const KEEP = 6;

/** What a screen reader is told, one polite line at a time. */
class Announcements {
  lines = $state<{ id: number; text: string }[]>([]);
  #next = 0;

  say(text: string): void {
    if (!text) return;
    this.lines = [...this.lines, { id: this.#next++, text }].slice(-KEEP);
  }
}

export const announcements = new Announcements();
