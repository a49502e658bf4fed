import { api, isAbort } from '../lib/api/client';
import type { SuggestEvent } from '../lib/api/types';
import { cutWords, characters } from '../lib/ghost';

/** Characters before the caret that are sent: between these two, cut in steps so that the start seldom moves. */
const LEAST = 2000;
const STEP = 1000;

/** What the driver of a field tells of it. */
export interface FieldState {
  value: string;
  start: number;
  end: number;
}

/** Suggestions in one field of the page: tells the backend what happens there, and holds what to show. */
export class Suggestions {
  /** What is shown at the caret, '' for nothing. */
  ghost = $state('');
  /** Why nothing is shown, as it was when the field had the keyboard; '' when something is. */
  why = $state('field');
  lost = $state(false);
  /** The last suggestion that is whole, for a screen reader: said once, not with every word that comes or goes. */
  whole = $state('');

  #id = '';
  #shown = 0;
  #said = 0;
  #words: string[] = [];
  #caret = -1;
  #composing = false;
  #queue: SuggestEvent[] = [];
  #sending = false;
  #stop: AbortController | undefined;

  get open(): boolean {
    return this.#stop !== undefined;
  }

  /** Begins; `ready` is called when events may be told. */
  async start(ready: () => void): Promise<void> {
    this.close();
    const stop = new AbortController();
    this.#stop = stop;
    this.lost = false;
    try {
      for await (const e of api.suggest(stop.signal)) {
        if (stop.signal.aborted) return;
        if (e.event === 'session') {
          this.#id = e.data.id;
          ready();
        } else if (e.event === 'why') {
          if (e.data.why !== 'field') this.why = e.data.why; // asking why must not change the answer
        } else if (e.event === 'hide') this.#clear();
        else if (e.event === 'show' && e.data.at === this.#caret && !this.#composing) {
          this.#shown = e.data.id;
          this.#words = e.data.parts;
          this.ghost = this.#words.join('');
          if (e.data.last && e.data.id !== this.#said) {
            this.#said = e.data.id;
            this.whole = this.ghost;
          }
        }
      }
      if (!stop.signal.aborted) this.#fail();
    } catch (thrown) {
      if (!isAbort(thrown) && !stop.signal.aborted) this.#fail();
    }
  }

  close(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.#id = '';
    this.#queue = [];
    this.#clear();
    this.#caret = -1;
  }

  #fail(): void {
    this.close();
    this.lost = true;
  }

  #clear(): void {
    this.ghost = '';
    this.#words = [];
  }

  focus(field: FieldState): void {
    this.#tell({ focus: { id: 'draft', app: 'qwill', multi_line: true } });
    this.text(field);
  }

  blur(): void {
    this.#clear();
    this.#caret = -1;
    this.#tell({ blur: true });
  }

  /** Tells the state of the field. What goes on as the suggestion does uses it up at once. */
  text({ value, start, end }: FieldState, typed = ''): void {
    const caret = characters(value.slice(0, end));
    if (caret !== this.#caret || start !== end || typed) {
      if (typed && start === end && this.ghost.startsWith(typed) && caret === this.#caret + characters(typed)) {
        this.#words = cutWords(this.#words, typed.length);
        this.ghost = this.#words.join('');
      } else this.#clear();
    }
    this.#caret = caret;
    const from = end <= LEAST + STEP ? 0 : Math.floor((end - LEAST) / STEP) * STEP;
    this.#tell({
      text: { before: value.slice(from, end), after: value.slice(end, end + STEP), caret, selected: start !== end },
    });
  }

  compose(on: boolean): void {
    this.#composing = on;
    if (on) this.#clear();
    this.#tell({ compose: on });
  }

  /** Tells a key that goes down; gives the text to insert in its place, '' where the key is not taken. */
  key(event: KeyboardEvent): string {
    if (!this.#id) return '';
    const mod = event.ctrlKey || event.altKey || event.metaKey;
    let part = '';
    if (event.key === 'Tab' && !mod && !event.isComposing && this.ghost) {
      part = event.shiftKey ? this.ghost : this.#words[0]!;
    }
    const key = { name: event.key, shift: event.shiftKey, mod, ...(part ? { shown: this.#shown } : {}) };
    // A key without a suggestion is no Tab that takes one, whatever came meanwhile.
    if (part || event.key !== 'Tab') this.#tell({ key });
    if (event.key === 'Escape') this.#clear();
    return part;
  }

  #tell(event: SuggestEvent): void {
    if (!this.#id) return;
    const last = this.#queue.at(-1);
    if (event.text && last?.text && JSON.stringify(last.text) === JSON.stringify(event.text)) return;
    this.#queue.push(event);
    void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#queue.length && this.#id) {
        const all = this.#queue;
        this.#queue = [];
        await api.suggestEvents(this.#id, all);
      }
    } catch {
      if (this.#id) this.#fail();
    } finally {
      this.#sending = false;
    }
  }
}
