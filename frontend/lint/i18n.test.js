// The checks of the page's words find what is planted, and nothing else.
import { describe, expect, it } from 'vitest';
import { check } from './check.js';
import { foreign, entries } from './catalogues.js';
import { literals, locales } from './literals.js';

const svelte = (body, script = '') => ({
  file: 'components/Planted.svelte',
  text: `<script lang="ts">\n  let { t, n }: { t: Messages; n: number } = $props();\n${script}\n</script>\n${body}`,
});
const plain = (text) => ({ file: 'stores/planted.svelte.ts', text });
const texts = (source) => literals(source).map(({ text }) => text);

describe('literals outside the catalogues', () => {
  it.each([
    ['a text', svelte('<p>Save</p>'), 'Save'],
    ['a Chinese text', svelte('<p>保存</p>'), '保存'],
    ['a text inside a block', svelte('{#if n}<b>{n} files</b>{/if}'), 'files'],
    ['a label', svelte('<button aria-label="Close"></button>'), 'Close'],
    ['a title by an expression', svelte('<i title={n ? t.app.a : "Open"}></i>'), 'Open'],
    ['a mixed attribute', svelte('<i title="{t.app.a} (now)"></i>'), '(now)'],
    ['a placeholder', svelte('<input placeholder="Name" />'), 'Name'],
    ['alt', svelte('<img alt="A quill" src="x.png" />'), 'A quill'],
    ['a prop of a component', svelte('<Banner title="Oh no" tone="bad" />'), 'Oh no'],
    ['a template literal', svelte('<p>{`${n} left`}</p>'), 'left'],
    ['a fallback', svelte('<p>{t.app.a || "none"}</p>'), 'none'],
    ['a derived value', svelte('<p>{said}</p>', '  const said = $derived(n ? "yes" : t.app.no);'), 'yes'],
    [
      'a derived function',
      svelte('<p>{said}</p>', '  const said = $derived.by(() => {\n    if (n) return "late";\n    return "";\n  });'),
      'late',
    ],
    ['a function', svelte('<p>{label(n)}</p>', '  const label = (x: number) => (x ? "big" : "");'), 'big'],
    ['an assigned value', svelte('<p>{said}</p>', '  let said = $state("");\n  said = "done";'), 'done'],
    ['an argument of a message', svelte('<p>{t.app.a("three")}</p>'), 'three'],
    ['an announcement', plain('export const f = () => announcements.say("Ready");'), 'Ready'],
    ['a toast', plain('export const f = (n: number) => toasts.notify(`deleted ${n}`);'), 'deleted'],
    ['an error', plain('export const e = { code: "x", message: "Failed" };'), 'Failed'],
    ['the title of the window', plain('document.title = "Chats";'), 'Chats'],
    ['an attribute that is set', plain('node.setAttribute("aria-label", "Code");'), 'Code'],
    ['a sentence anywhere', plain('export const why = ["The file is gone"];'), 'The file is gone'],
    ['HTML', plain('export const html = `<button class="x y" aria-label="Copy code"></button>`;'), 'Copy code'],
  ])('%s', (_, source, text) => expect(texts(source)).toEqual([text]));

  it.each([
    ['catalogue texts', svelte('<p title={t.app.a}>{t.app.b} {n} · {t.app.c(n)}</p>')],
    ['names for the machine', svelte('<p class="big red" data-kind="a b" role="note" id="x">{n === "a" ? 1 : 2}</p>')],
    ['keys and events', plain('export const f = (e: KeyboardEvent) => e.key === "ArrowDown" && go("first-run");')],
    [
      'selectors and errors of programmers',
      plain('document.querySelector("main article p"); throw new Error("No such part here");'),
    ],
    ['code to type', svelte('<code>qwill doctor</code>')],
    ['types', plain('export type Side = "Left side" | "Right side";')],
  ])('but not %s', (_, source) => expect(texts(source)).toEqual([]));

  it('names the line', () => {
    expect(literals(svelte('\n<p>{t.app.a}</p>\n<p>Save</p>'))[0]).toMatchObject({
      line: 7,
      rule: 'a text on the page',
    });
    expect(literals(plain('\n\ndocument.title = "Chats";'))[0]).toMatchObject({ line: 3 });
  });
});

it('locales outside i18n', () => {
  const source = plain('export const a = (n: number) => n.toLocaleString() + new Intl.NumberFormat("en").format(n);');
  expect(locales(source).map(({ text }) => text)).toEqual(['toLocaleString', 'Intl']);
  expect(locales({ ...source, file: 'i18n/format.ts' })).toEqual([]);
});

const EN = `export const app = {
  app: { name: 'Qwill', save: 'Save', files: (n: number, shown: string) => plural('en', n, { one: '1 file', other: \`\${shown} files\` }) },
};`;
const ZH = `export const app: typeof Area = { app: { name: 'Qwill', save: '保存', files: (_, shown) => \`\${shown} 个文件\` } };`;
const PAGE = svelte('<p>{t.app.name}{t.app.save}{t.app.files(1, "1")}</p>');
const NONE = { LITERALS: [], NAMES: ['Qwill'], ALWAYS_PLURAL: [], USED: [] };
const run = (en, zh, page = PAGE, allowed = NONE) =>
  check([{ file: 'i18n/en/app.ts', text: en }, { file: 'i18n/zh-Hans/app.ts', text: zh }, page], allowed).map(
    ({ rule, text }) => `${rule}: ${text}`,
  );

describe('catalogues', () => {
  it('are clean when they are', () => expect(run(EN, ZH)).toEqual([]));

  it('lack a key', () => {
    expect(run(EN, ZH.replace("save: '保存', ", ''))).toEqual(['missing in zh-Hans: app.save']);
    expect(run(EN.replace("save: 'Save', ", ''), ZH)).toEqual(['missing in en: app.save']);
  });

  it('have a key that nothing uses', () => {
    expect(run(EN, ZH, svelte('<p>{t.app.name}{t.app.files(1, "1")}</p>'))).toEqual(['unused: app.save']);
    expect(run(EN, ZH, svelte('<p>{t.app[n]}</p>')), 'a name made at run time').toEqual([]);
    expect(
      run(EN, ZH, svelte('<p>{a.name}{a.save}{a.files(1, "1")}</p>', 'const a = $derived(t.app);')),
      'another name',
    ).toEqual([]);
  });

  it('keep English in the Chinese words', () => {
    expect(run(EN, ZH.replace('保存', '保存 file'))).toEqual(['English in the Chinese words: app.save: file']);
    expect(run(EN, ZH.replace('个文件', 'files'))).toEqual(['English in the Chinese words: app.files: files']);
    const command = entries([
      {
        file: 'x.ts',
        text: 'export const a = { b: "运行“qwill doctor”", c: (m) => (m === "exact" ? "精确" : "快") };',
      },
    ]);
    expect(foreign(command, [])).toEqual([]);
  });

  it('count without plural forms', () => {
    const bare = EN.replace(/plural\(.*?\}\)/, '`${shown} files`');
    expect(run(bare, ZH)).toEqual(['a count without plural(): app.files']);
    expect(run(bare.replace('n: number, ', ''), ZH)).toEqual(['a count without plural(): app.files']);
  });

  it('report what is allowed for nothing', () => {
    const allowed = { ...NONE, LITERALS: [{ file: /./, text: /^Gone$/, why: '' }] };
    expect(run(EN, ZH, PAGE, allowed)).toEqual(['allowed, but no longer there: /^Gone$/']);
  });
});
