import { expect, it } from 'vitest';
import { FILE_LIMIT, readText } from './textfile';

const file = (...parts: BlobPart[]) => {
  const blob = new Blob(parts);
  // jsdom's File cannot be read as a buffer.
  return { size: blob.size, arrayBuffer: async () => new Response(parts[0] as BodyInit).arrayBuffer() } as File;
};

it('reads text, with or without a byte order mark', async () => {
  expect(await readText(file('# 标题\r\ntext'))).toEqual({ text: '# 标题\ntext' });
  expect(await readText(file(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])))).toEqual({ text: 'a' });
});

it('refuses what is no text, and what is too large', async () => {
  expect(await readText(file(new Uint8Array([0xff, 0xfe, 0x61, 0])))).toEqual({ refused: 'binary' });
  expect(await readText(file(new Uint8Array([0x50, 0x4b, 0, 3])))).toEqual({ refused: 'binary' });
  expect(await readText({ size: FILE_LIMIT + 1 } as File)).toEqual({ refused: 'large' });
});
