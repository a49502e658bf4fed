import { describe, expect, it } from 'vitest';
import { en } from './en';
import { Format } from './format';
import { i18n, resolveLocale } from './index.svelte';
import { zhHans } from './zh-Hans';

function keys(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([k, v]) => keys(v, `${path}.${k}`));
}

describe('catalogues', () => {
  it('have the same keys, also where the type leaves them open', () => {
    expect(keys(zhHans)).toEqual(keys(en));
  });

  it('leave nothing empty and take the same number of arguments', () => {
    const walk = (a: unknown, b: unknown, path: string) => {
      if (typeof a === 'function') expect((b as () => void).length, path).toBe(a.length);
      else if (typeof a === 'string') {
        if (a !== '') expect(b, path).not.toBe('');
      } else for (const k of Object.keys(a as object)) walk((a as never)[k], (b as never)[k], `${path}.${k}`);
    };
    walk(en, zhHans, '');
  });
});

describe('locale', () => {
  it('follows the setting, then the first preferred language that is known', () => {
    expect(resolveLocale('zh-Hans', ['en'])).toBe('zh-Hans');
    expect(resolveLocale('system', ['fr-FR', 'zh-CN', 'en'])).toBe('zh-Hans');
    expect(resolveLocale('system', ['en-GB', 'zh-CN'])).toBe('en');
    expect(resolveLocale('system', ['fr'])).toBe('en');
  });

  it('formats numbers, sizes and durations', () => {
    const f = new Format('en');
    expect(f.whole(1240)).toBe('1,240');
    expect(f.bytes(4_300_000_000)).toBe('4.3 GB');
    expect(f.duration(420)).toBe('0.4s');
    expect(f.duration(12_300)).toBe('12s');
    expect(f.duration(125_000)).toBe('2m 5s');
    expect(f.percent(0.934)).toBe('93%');
    expect(new Format('zh-Hans').duration(12_300)).toContain('秒');
    expect(new Format('zh-Hans').language('en')).toBe('英语');
  });

  it('says how weights are kept in words, and what it does not know as it is', () => {
    i18n.use('zh-Hans');
    expect(i18n.quantization('4 bit, group 32')).toBe('4 位，每组 32');
    expect(i18n.quantization('bf16')).toBe('bf16');
    i18n.use('en');
    expect(i18n.quantization('4 bit, group 32')).toBe('4 bit, group 32');
  });

  it('uses plural forms', () => {
    expect(en.stats.tokens(1, '1')).toBe('1 token');
    expect(en.stats.tokens(2, '2')).toBe('2 tokens');
  });
});
