import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { zhHans } from './zh-Hans';

const source = readFileSync(join(import.meta.dirname, '../../../app/fetch/fetch.go'), 'utf8');

function said(pattern: RegExp): string[] {
  return [...new Set([...source.matchAll(pattern)].map((m) => m[1]!))].filter(Boolean);
}

// The log keeps codes; the page must have words for every one that app/fetch writes.
describe('the log of connections', () => {
  it.each(said(/(?:end\(.*, |refused = )"(\w+)"/g))('says why it refused: %s', (code) => {
    for (const { settings } of [en, zhHans]) expect(settings.refusals[code]).toBeTruthy();
  });

  it.each(said(/^\t\w+\s+= "(\w+)"\s+\/\//gm))('says what it was for: %s', (code) => {
    for (const { settings } of [en, zhHans]) expect(settings.purposes[code]).toBeTruthy();
  });

  it('finds the codes in the source', () => {
    expect(said(/(?:end\(.*, |refused = )"(\w+)"/g).sort()).toEqual(['address', 'host', 'offline']);
    expect(said(/^\t\w+\s+= "(\w+)"\s+\/\//gm)).toEqual(expect.arrayContaining(['listing', 'config', 'download']));
  });
});
