import { SvelteMap } from 'svelte/reactivity';
import { api } from '../lib/api/client';

/** A long text that was pasted or dropped; it is shown as one line and sent with the message. */
export interface Part {
  id: number;
  /** The file's name, '' for what was pasted. */
  name: string;
  text: string;
}

export interface Draft {
  text: string;
  parts: Part[];
}

const EMPTY: Draft = { text: '', parts: [] };

/** Characters above which a pasted text becomes a part: a field with megabytes in it answers no key in time. */
export const PART_LENGTH = 20_000;

/** Milliseconds after the last key until a draft is kept. */
const WAIT = 700;

let next = 0;

export const newPart = (text: string, name = ''): Part => ({ id: next++, name, text });

/** What is sent: the typed words, then the parts. */
export function joined({ text, parts }: Draft): string {
  return [text.trim(), ...parts.map((p) => p.text.trim())].filter(Boolean).join('\n\n');
}

/** A kept text as a draft again: what is too long for the field goes into a part. */
export function parted(kept: string): Draft {
  if (kept.length <= PART_LENGTH) return { text: kept, parts: [] };
  const cut = kept.indexOf('\n\n');
  if (cut > 0 && cut <= PART_LENGTH) return { text: kept.slice(0, cut), parts: [newPart(kept.slice(cut + 2))] };
  return { text: '', parts: [newPart(kept)] };
}

/** What was typed and not sent, by chat (null: the new chat); the backend keeps it, except for temporary chats. */
class Drafts {
  #drafts = new SvelteMap<string | null, Draft>();
  #waiting = new Map<string | null, ReturnType<typeof setTimeout>>();
  #asked = false;
  /** Temporary chats: what is typed there stays in the page. */
  #unkept = new Set<string>();

  constructor() {
    const leave = () => document.visibilityState === 'hidden' && this.flush();
    document.addEventListener('visibilitychange', leave);
    addEventListener('pagehide', () => this.flush());
  }

  of(chat: string | null): Draft {
    return this.#drafts.get(chat) ?? EMPTY;
  }

  set(chat: string | null, draft: Draft): void {
    this.#drafts.set(chat, draft);
    clearTimeout(this.#waiting.get(chat));
    this.#waiting.delete(chat);
    if (chat && this.#unkept.has(chat)) return;
    this.#waiting.set(
      chat,
      setTimeout(() => this.#keep(chat), WAIT),
    );
  }

  /** Takes what the backend kept, unless something newer was typed. */
  take(chat: string | null, kept: string, temporary = false): void {
    if (chat && temporary) this.#unkept.add(chat);
    else if (!this.#waiting.has(chat)) this.#drafts.set(chat, parted(kept));
  }

  /** Reads the new chat's draft, once. */
  async loadNew(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const { text } = await api.newDraft();
      if (!this.#drafts.has(null)) this.take(null, text);
    } catch {
      this.#asked = false; // asked again when the new chat is next opened
    }
  }

  /** Keeps at once what still waits, such as when the page is left. */
  flush(): void {
    for (const chat of [...this.#waiting.keys()]) this.#keep(chat);
  }

  #keep(chat: string | null): void {
    clearTimeout(this.#waiting.get(chat));
    this.#waiting.delete(chat);
    // A draft that cannot be kept lives as long as the page; a lost connection is shown elsewhere.
    api.keepDraft(chat, joined(this.of(chat))).catch(() => undefined);
  }
}

export const drafts = new Drafts();
