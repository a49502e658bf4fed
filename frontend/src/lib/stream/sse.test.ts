import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser, readEvents, type ServerEvent } from './sse';

function parse(...pieces: string[]): ServerEvent[] {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

async function read(chunks: Uint8Array[]): Promise<ServerEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const out: ServerEvent[] = [];
  for await (const event of readEvents(body)) out.push(event);
  return out;
}

function cut(bytes: Uint8Array, cuts: number[]): Uint8Array[] {
  const at = [0, ...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.slice(at[i], end));
}

describe('EventParser', () => {
  it('reads events, names and data', () => {
    expect(parse('event: delta\ndata: {"text":"a"}\n\ndata: b\n\n')).toEqual([
      { event: 'delta', data: '{"text":"a"}' },
      { event: 'message', data: 'b' },
    ]);
  });

  it('accepts CRLF and CR, also cut in the middle', () => {
    const want = [
      { event: 'a', data: '1' },
      { event: 'b', data: '2' },
    ];
    expect(parse('event: a\r\ndata: 1\r\n\r\nevent: b\r\ndata: 2\r\n\r\n')).toEqual(want);
    expect(parse('event: a\r', '\ndata: 1\r', '\n\r', '\nevent: b\r', '\ndata: 2\r\n', '\r\n')).toEqual(want);
    expect(parse('event: a\rdata: 1\r\revent: b\rdata: 2\r\r')).toEqual(want);
  });

  it('skips comments, unknown fields and events without data', () => {
    expect(parse(': keep alive\n\nid: 4\nretry: 10\nevent: x\n\n:\ndata:y\n\n')).toEqual([
      { event: 'message', data: 'y' },
    ]);
  });

  it('joins data lines and strips one space only', () => {
    expect(parse('data:  a\ndata\ndata: b\n\n')).toEqual([{ event: 'message', data: ' a\n\nb' }]);
  });

  it('drops an event that the end of the stream cut off', () => {
    expect(parse('data: whole\n\ndata: half\n')).toEqual([{ event: 'message', data: 'whole' }]);
  });

  it('drops a byte order mark at the start only', () => {
    expect(parse('\ufeffdata: a\ufeff\n\n')).toEqual([{ event: 'message', data: 'a\ufeff' }]);
  });
});

describe('readEvents', () => {
  it('gives the same events wherever the bytes are cut', async () => {
    const event = fc.record({
      event: fc.constantFrom('delta', 'done', 'prefill'),
      data: fc.string({ unit: 'grapheme' }).map((s) => JSON.stringify({ text: s + '字🙂é' })),
      end: fc.constantFrom('\n', '\r\n', '\r'),
      comment: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(5000), { maxLength: 40 }),
        async (list, cuts) => {
          const text = list
            .map((e) => `${e.comment ? `:${e.end}` : ''}event: ${e.event}${e.end}data: ${e.data}${e.end}${e.end}`)
            .join('');
          const got = await read(cut(new TextEncoder().encode(text), cuts));
          expect(got).toEqual(list.map(({ event, data }) => ({ event, data })));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives the same events when every byte comes alone', async () => {
    const text = ':\r\n\r\nevent: delta\r\ndata: {"text":"鹅毛笔 🪶"}\r\n\r\nevent: done\ndata: {}\n\n';
    const bytes = new TextEncoder().encode(text);
    expect(await read([...bytes].map((b) => Uint8Array.of(b)))).toEqual([
      { event: 'delta', data: '{"text":"鹅毛笔 🪶"}' },
      { event: 'done', data: '{}' },
    ]);
  });
});
