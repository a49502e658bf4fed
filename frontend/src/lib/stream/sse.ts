// Server-sent events read from a fetch body, as the HTML standard defines the
// format: lines end in LF, CR or CRLF, a blank line ends an event, a line that
// starts with a colon is a comment, a first byte order mark is dropped.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Takes text in any pieces and gives the events that are complete. */
export class EventParser {
  #line = '';
  #event = '';
  #data: string[] = [];
  #afterCR = false;
  #started = false;

  push(text: string): ServerEvent[] {
    const out: ServerEvent[] = [];
    if (text === '') return out;
    let start = 0;
    if (!this.#started) {
      this.#started = true;
      if (text.charCodeAt(0) === 0xfeff) start = 1;
    }
    for (let i = start; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 10 && this.#afterCR) {
        // The second half of CRLF: its line has ended already.
        this.#afterCR = false;
        start = i + 1;
        continue;
      }
      this.#afterCR = c === 13;
      if (c !== 10 && c !== 13) continue;
      this.#endLine(this.#line + text.slice(start, i), out);
      this.#line = '';
      start = i + 1;
    }
    this.#line += text.slice(start);
    return out;
  }

  #endLine(line: string, out: ServerEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) out.push({ event: this.#event || 'message', data: this.#data.join('\n') });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
  }
}

/** Reads a body to its end; leaving the loop early cancels the body. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // joins characters that a chunk border cut
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
