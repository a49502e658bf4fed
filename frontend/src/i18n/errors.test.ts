// Every code of app/errs has words in both languages: the page translates errors by their code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { zhHans } from './zh-Hans';

const source = readFileSync(join(import.meta.dirname, '../../../app/errs/errs.go'), 'utf8');
const block = /^const \(\n(.*?)^\)/ms.exec(source)?.[1] ?? '';
const codes = [...block.matchAll(/^\t\w+\s+= "([a-z_]+)"/gm)].map((m) => m[1]!);

describe('errors', () => {
  it('are all read', () => expect(codes).toHaveLength(block.split('\n').filter((line) => line.includes('=')).length));

  it.each(codes)('%s has words', (code) => {
    for (const { errors } of [en, zhHans]) expect(errors[code]?.message).toBeTruthy();
  });
});
