// Markdown is rendered in a worker, off the page's thread; only strings cross.
import type { Answer, Order } from './desk';
import type { Patch } from './document';

/** Milliseconds that a worker may take for its first answer. */
const SILENCE = 5000;

type Take = (order: Order) => void;

const documents = new Map<number, RenderedText>();
let next = 0;
let take: Take | undefined;

function answered(answer: Answer): void {
  documents.get(answer.doc)?.receive(answer);
}

/** Some web views load no worker from the app's own scheme: then the page does the work itself. */
async function inPage(): Promise<Take> {
  const { Desk } = await import('./desk');
  const desk = new Desk(answered);
  return (order) => desk.take(order);
}

function start(): Take {
  const local = (): Take => {
    const ready = inPage();
    return (order) => void ready.then((run) => run(order));
  };
  if (typeof Worker === 'undefined') return local();
  try {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'markdown' });
    const instead = () => {
      clearTimeout(silence);
      worker.terminate();
      take = local();
      for (const document of documents.values()) document.again();
    };
    const silence = setTimeout(instead, SILENCE);
    worker.onmessage = (event: MessageEvent<Answer>) => {
      clearTimeout(silence);
      answered(event.data);
    };
    worker.onerror = instead;
    return (order) => worker.postMessage(order);
  } catch {
    return local();
  }
}

function send(order: Order): void {
  take ??= start();
  take(order);
}

/** One text on the page. While an update is being worked on, later ones wait and become one. */
export class RenderedText {
  readonly #id = next++;
  #sent = '';
  #sentDone = false;
  #wanted: { text: string; done: boolean } | null = null;
  #busy = false;

  constructor(private readonly patched: (patch: Patch) => void) {
    documents.set(this.#id, this);
  }

  update(text: string, done: boolean): void {
    if (!this.#wanted && text === this.#sent && done === this.#sentDone) return;
    this.#wanted = { text, done };
    this.#push();
  }

  close(): void {
    documents.delete(this.#id);
    if (this.#sent) send({ doc: this.#id, close: true });
  }

  receive(answer: Answer): void {
    if (answer.answered) this.#busy = false;
    this.patched(answer);
    this.#push();
  }

  /** Sends the whole text anew, to whoever works now. */
  again(): void {
    this.#wanted ??= { text: this.#sent, done: this.#sentDone };
    this.#sent = '';
    this.#busy = false;
    this.#push();
  }

  #push(): void {
    const wanted = this.#wanted;
    if (this.#busy || !wanted) return;
    this.#wanted = null;
    const { text, done } = wanted;
    const from = text.startsWith(this.#sent) ? this.#sent.length : 0;
    this.#sent = text;
    this.#sentDone = done;
    this.#busy = true;
    send({ doc: this.#id, from, text: text.slice(from), done });
  }
}
