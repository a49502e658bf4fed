import { MarkdownDocument, type Patch } from './document';

/** What the page sends: the text of a document from `from` on, or that it is no longer shown. */
export type Order = { doc: number; from: number; text: string; done: boolean } | { doc: number; close: true };

export interface Answer extends Patch {
  doc: number;
  /** True when this answers an order, false when it came by itself. */
  answered: boolean;
}

/** Renders the documents that the page asks for; runs in the worker, or in the page where there can be none. */
export class Desk {
  #documents = new Map<number, { document: MarkdownDocument; text: string }>();

  constructor(private readonly answer: (answer: Answer) => void) {}

  take(order: Order): void {
    if ('close' in order) {
      this.#documents.delete(order.doc);
      return;
    }
    const { doc, from, text, done } = order;
    let entry = this.#documents.get(doc);
    if (!entry) {
      const document = new MarkdownDocument((patch) => this.answer({ doc, answered: false, ...patch }));
      this.#documents.set(doc, (entry = { document, text: '' }));
    }
    entry.text = entry.text.slice(0, from) + text;
    this.answer({ doc, answered: true, ...entry.document.update(entry.text, done) });
  }
}
