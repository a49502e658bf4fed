// Every reason of app/suggest has words in both languages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { zhHans } from './zh-Hans';

const source = readFileSync(join(import.meta.dirname, '../../../app/suggest/suggest.go'), 'utf8');
const reasons = [...source.matchAll(/^\t\w+\s+Reason = "([a-z_]*)"/gm)].map((m) => m[1]!);
const listed = /^var All = \[\]Reason\{(.*?)\}/ms.exec(source)?.[1] ?? '';

describe('why nothing is suggested', () => {
  // All lists every reason but the empty one.
  it('is all read', () => expect(reasons).toHaveLength(listed.split(',').length + 1));

  it.each(reasons)('“%s” has words', (reason) => {
    for (const { whyNot } of [en, zhHans]) expect(whyNot[reason]).toBeTruthy();
  });
});
