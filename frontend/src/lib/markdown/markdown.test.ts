import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { BlockSplitter } from './blocks';
import { RenderedText } from './client';
import { MarkdownDocument, type Patch } from './document';
import { highlighted, loadHighlighter } from './highlight';
import { lex, shows, toHtml } from './parse';
import { plainText, shownText } from './plain';
import { safeNodes } from './sanitize';
import { loadTex } from './tex';

const sources = (text: string) =>
  lex(text, false)
    .filter(shows)
    .map((t) => t.raw);

/** A whole text as the page shows it. */
function page(text: string): HTMLElement {
  const prose = document.createElement('div');
  for (const token of lex(text, false).filter(shows)) {
    const { html, math } = toHtml(token, true);
    const block = document.createElement('div');
    block.className = 'block';
    block.append(safeNodes(html, math));
    prose.append(block);
  }
  return prose;
}

const formulas = (text: string) => [...page(text).querySelectorAll('.math annotation')].map((a) => a.textContent);

beforeAll(async () => {
  await loadTex();
  await loadHighlighter();
});

describe('BlockSplitter', () => {
  const piece = fc.constantFrom(
    '# Title\n',
    'A paragraph.\n\n',
    'two\nlines\n\n',
    '- item\n',
    '- other\n\n',
    '1. one\n\n',
    '2. two\n\n',
    '```go\nfunc main() {}\n```\n',
    '```\nopen ',
    '| a | b |\n|---|---|\n| 1 | 2 |\n\n',
    '> quote\n',
    '\n',
    '    indented\n',
    'word **bold** `code`',
    '===\n',
    '字🙂\n\n',
    '<b>html</b>\n',
    '$$\nx\n\ny\n$$\n',
    '$$\nopen\n\n',
    '\\[ z \\]\n\n',
    '[^1]: A note.\n\n',
    'cost $5 and $6[^1]\n',
  );

  it('ends with the blocks that the whole text has, however it grew', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
        const text = pieces.join('');
        const splitter = new BlockSplitter();
        for (let n = 0; n < text.length; n += step) {
          const shown = splitter.update(text.slice(0, n), false);
          expect(shown.map((b) => b.token.raw).join('').length).toBeLessThanOrEqual(n);
        }
        expect(splitter.update(text, true).map((b) => b.token.raw)).toEqual(sources(text));
      }),
      { numRuns: 300 },
    );
  });

  it('settles a block once the next one began, and keeps it', () => {
    const splitter = new BlockSplitter();
    const first = splitter.update('One.\n\nTwo', false);
    expect(first.map((b) => [b.token.raw, b.final])).toEqual([
      ['One.', true],
      ['Two', false],
    ]);
    expect(splitter.update('One.\n\nTwo.\n\nThree', false)[0]).toBe(first[0]);
  });

  it('keeps a list open while its next item may come', () => {
    const splitter = new BlockSplitter();
    splitter.update('1. a\n\n2', false);
    const shown = splitter.update('1. a\n\n2. b', false);
    expect(shown).toHaveLength(1);
    expect(shown[0]!.final).toBe(false);
  });

  it('keeps a formula in one block, blank lines and all, while it grows', () => {
    const splitter = new BlockSplitter();
    const shown = splitter.update('Text\n\n$$\na\n\nb', false);
    expect(shown.map((b) => b.token.type)).toEqual(['paragraph', 'mathBlock']);
    expect(splitter.update('Text\n\n$$\na\n\nb', true).map((b) => b.token.type)).not.toContain('mathBlock');
  });

  it('starts over when the text was replaced', () => {
    const splitter = new BlockSplitter();
    splitter.update('One.\n\nTwo', false);
    expect(splitter.update('Other', false).map((b) => b.token.raw)).toEqual(['Other']);
  });
});

describe('formulas', () => {
  it.each([
    ['Euler: $e^{i\\pi} + 1 = 0$.', ['e^{i\\pi} + 1 = 0']],
    ['$$\\int_0^1 x\\,dx$$', ['\\int_0^1 x\\,dx']],
    ['$$\na\n\nb\n$$', ['a\n\nb']],
    ['so \\(a < b\\) holds', ['a < b']],
    ['\\[\n\\frac{1}{2}\n\\]', ['\\frac{1}{2}']],
    ['inline $$x$$ here', ['x']],
    ['- item with $x_1$', ['x_1']],
    ['| a |\n|---|\n| $x$ |', ['x']],
    ['$2 \\times 3$ and $10$', ['2 \\times 3', '10']],
    ['中文$x$中文', ['x']],
  ])('%s', (text, expected) => expect(formulas(text)).toEqual(expected));

  it.each([
    'It costs $5 and $6.',
    'between $5-$10 a month',
    '$100 for me and 50$ for you',
    'US$5, A$6',
    'just $ signs $ here',
    '`$x$` is code',
    '```\n$$x$$\n```',
    'escaped \\$5 and 6$',
    'a $ at the end$',
    '$HOME and $PATH',
    'f\\(x without an end',
  ])('are not seen in: %s', (text) => {
    expect(formulas(text)).toEqual([]);
  });

  it('survive what they cannot set, and say it as it was written', () => {
    const prose = page('$\\frac{a$ and $\\unknown{x}$');
    expect(prose.textContent).toContain('\\frac{a');
  });

  it.each([
    '$\\href{javascript:alert(1)}{x}$',
    '$\\url{https://example.com}$',
    '$\\includegraphics{https://example.com/beacon.png}$',
    '$\\htmlStyle{position:fixed;inset:0}{x}$',
    '$\\htmlData{x=y}{x}$',
    '$\\text{<img src=x onerror=alert(1)>}$',
    '$\\text{</annotation><script>alert(1)</script>}$',
    '$$\\def\\a{\\a\\a}\\a$$',
    '$$\\rule{100000em}{100000em}$$',
    '$\\kern-100000em\\color{red}x$',
  ])('let nothing run, load or leave its place: %s', (text) => {
    const prose = page(text);
    expect(prose.querySelector('script,img,iframe,style,form,input,object,embed,link,a')).toBeNull();
    for (const node of prose.querySelectorAll('*')) {
      for (const { name, value } of node.attributes) {
        expect(name).not.toMatch(/^on|^href|^src/);
        if (name === 'style') {
          expect(value).not.toMatch(/url|fixed|absolute|inset|expression/);
          for (const n of value.match(/-?[\d.]+(?=em)/g) ?? []) expect(Math.abs(Number(n))).toBeLessThanOrEqual(100);
        }
      }
    }
  });
});

describe('rendering', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt&colon;alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '![x](https://example.com/beacon.png)',
    '![](https://example.com/beacon.png)',
    '<a href="https://example.com" onclick="alert(1)">x</a>',
    '<iframe src="https://example.com"></iframe>',
    '<svg><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    '| <img src=x> |\n|---|\n| [x](javascript:alert(1)) |',
    '- [x] <script>alert(1)</script>',
    '[^"><img src=x onerror=alert(1)>]: x\n\n[^"><img]',
    '<div class="math">$x$</div>',
    '<form action="https://example.com"><input name=a></form>',
  ];

  it.each(hostile)('lets nothing run or load: %s', (src) => {
    const prose = page(src);
    expect(prose.querySelector('script,img,iframe,style,form,input,object,embed,link')).toBeNull();
    for (const node of prose.querySelectorAll('*')) {
      for (const { name, value } of node.attributes) {
        expect(name).not.toMatch(/^on/);
        if (name === 'href') expect(value).toMatch(/^(https?:|mailto:)/);
      }
    }
  });

  it('lets nothing run or load, whatever is put together', () => {
    const part = fc.constantFrom(...hostile, '$', '`', '**', '\n', '\\(', '\\)', '[^1]', '|', '<', '"', '> ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const prose = page(parts.join(''));
        expect(prose.querySelector('script,img,iframe,style,form,input,object,embed,link')).toBeNull();
        expect(
          [...prose.querySelectorAll('*')].flatMap((n) => n.getAttributeNames()).filter((n) => /^on/.test(n)),
        ).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it('shows HTML as it was written', () => {
    expect(page('Use <br> and <script>x</script> here').textContent!.trim()).toBe(
      'Use <br> and <script>x</script> here',
    );
  });

  it('renders code with a copy button and its language', () => {
    const prose = page('```go\nif a < b {}\n```');
    expect(prose.querySelector('code')!.textContent).toBe('if a < b {}');
    expect(prose.querySelector('code .hljs-keyword')!.textContent).toBe('if');
    expect(prose.querySelector('button')!.dataset['act']).toBe('copy');
    expect(prose.querySelector('figcaption span')!.textContent).toBe('go');
  });

  it('folds only long code', () => {
    const code = (n: number) => page('```\n' + 'line\n'.repeat(n) + '```').querySelector('[data-act="fold"]');
    expect(code(30)).toBeNull();
    expect(code(31)).not.toBeNull();
  });

  it('renders tables with heads, task lists and footnotes', () => {
    const prose = page('| a | b |\n|---|--:|\n| 1 | 2 |\n\n- [x] done\n- [ ] open\n\nText[^1].\n\n[^1]: The *note*.');
    expect([...prose.querySelectorAll('th[scope="col"]')].map((n) => n.textContent)).toEqual(['a', 'b']);
    expect(prose.querySelector('td.right')!.textContent).toBe('2');
    expect([...prose.querySelectorAll('.task')].map((n) => n.textContent!.trim())).toEqual(['☑ done', '☐ open']);
    expect(prose.querySelector('p.footnote')!.textContent).toBe('1 The note.');
  });

  it('resolves a reference that is defined later', () => {
    expect(page('See [there][x].\n\nMore.\n\n[x]: https://example.com').querySelector('a')!.getAttribute('href')).toBe(
      'https://example.com',
    );
  });
});

describe('MarkdownDocument', () => {
  const apply = (shown: string[], patch: Patch) => {
    shown.length = Math.min(shown.length, patch.length);
    for (const { index, html } of patch.changed) shown[index] = html;
  };

  it('sends only what changed, and ends with the whole text', () => {
    const text = '# Title\n\nOne *two*.\n\n- a\n- b\n\n```go\nx := 1\n```\n\nEnd [x].\n\n[x]: https://example.com';
    const shown: string[] = [];
    const document = new MarkdownDocument(() => undefined);
    let most = 0;
    for (let n = 1; n <= text.length; n++) {
      const patch = document.update(text.slice(0, n), false);
      if (n > 40) most = Math.max(most, patch.changed.length);
      apply(shown, patch);
    }
    expect(most).toBeLessThanOrEqual(2);
    apply(shown, document.update(text, true));
    expect(shown).toEqual(
      lex(text, false)
        .filter(shows)
        .map((t) => toHtml(t, true).html),
    );
  });
});

describe('RenderedText', () => {
  it('renders in the page where there is no worker, and joins what came meanwhile', async () => {
    const patches: Patch[] = [];
    const text = new RenderedText((p) => patches.push(p));
    for (const part of ['a', 'a **b', 'a **b**']) text.update(part, part === 'a **b**');
    await expect.poll(() => patches.at(-1)?.changed[0]?.html).toBe('<p>a <strong>b</strong></p>\n');
    expect(patches.length).toBeLessThanOrEqual(2);
    text.close();
  });
});

describe('highlighted', () => {
  it('marks a known language and leaves unknown and huge code alone', () => {
    expect(highlighted('func main() {}', 'go')).toContain('hljs-keyword');
    expect(highlighted('x', 'no-such-language')).toBeNull();
    expect(highlighted('x'.repeat(100_000), 'go')).toBeNull();
  });
});

describe('plain text', () => {
  it('drops the marks and keeps the words', () => {
    expect(plainText('## A **bold** [link](https://x.y)\n\n- item `code` for $5')).toBe('A bold link item code for $5');
  });

  it('of what is shown keeps paragraphs, lists, tables and the source of formulas', () => {
    const text =
      '# T\n\nA **b** $x^2$.\n\n- one\n  - two\n\n1. a\n2. b\n\n```go\nx\n```\n\n| h | i |\n|---|---|\n| 1 | 2 |';
    expect(shownText(page(text))).toBe('T\n\nA b x^2.\n\n- one\n  - two\n\n1. a\n2. b\n\nx\n\nh\ti\n1\t2');
  });
});
