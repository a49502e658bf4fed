import { plainText } from '../markdown/plain';

const END = /[.!?…]["')\]”’]*\s|[。！？…]["')\]”’」』]*|\n\s*\n|\n(?=\s*(?:[-*+#>]|\d+[.)]))/g;

/** Cuts a growing text into whole sentences, so that a screen reader is not fed half words. */
export class Sentences {
  #at = 0;

  /** The sentences that were completed since the last call; `done` takes the rest as well. */
  take(text: string, done: boolean): string[] {
    if (text.length < this.#at) this.#at = 0;
    const out: string[] = [];
    END.lastIndex = this.#at;
    for (let m = END.exec(text); m; m = END.exec(text)) {
      this.#push(out, text.slice(this.#at, END.lastIndex));
      this.#at = END.lastIndex;
    }
    if (done) {
      this.#push(out, text.slice(this.#at));
      this.#at = text.length;
    }
    return out;
  }

  reset(): void {
    this.#at = 0;
  }

  #push(out: string[], markdown: string): void {
    const sentence = plainText(markdown);
    if (sentence) out.push(sentence);
  }
}
