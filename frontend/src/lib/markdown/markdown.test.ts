import fc from 'fast-check';
import { lexer } from 'marked';
import { describe, expect, it } from 'vitest';
import { BlockSplitter } from './blocks';
import { highlight } from './highlight';
import { plainText, renderBlock } from './render';

const blocks = (text: string) =>
  lexer(text)
    .filter((t) => t.type !== 'space' && t.type !== 'def')
    .map((t) => t.raw);

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
  );

  it('ends with the blocks that the whole text has, however it grew', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), fc.integer({ min: 1, max: 9 }), (pieces, step) => {
        const text = pieces.join('');
        const splitter = new BlockSplitter();
        for (let n = 0; n < text.length; n += step) {
          const shown = splitter.update(text.slice(0, n), false);
          expect(shown.map((b) => b.src).join('').length).toBeLessThanOrEqual(n);
        }
        expect(splitter.update(text, true).map((b) => b.src)).toEqual(blocks(text));
      }),
      { numRuns: 300 },
    );
  });

  it('settles a block once the next one began, and keeps it', () => {
    const splitter = new BlockSplitter();
    const first = splitter.update('One.\n\nTwo', false);
    expect(first.map((b) => [b.src, b.final])).toEqual([
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

  it('starts over when the text was replaced', () => {
    const splitter = new BlockSplitter();
    splitter.update('One.\n\nTwo', false);
    expect(splitter.update('Other', false).map((b) => b.src)).toEqual(['Other']);
  });
});

describe('renderBlock', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt&colon;alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '![x](https://example.com/beacon.png)',
    '<a href="https://example.com" onclick="alert(1)">x</a>',
    '<iframe src="https://example.com"></iframe>',
    '<svg><style><a id="</style><img src=1 onerror=alert(1)>">',
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    '<form action="https://example.com"><input name=a></form>',
  ];

  it.each(hostile)('lets nothing run or load: %s', (src) => {
    const page = document.createElement('div');
    page.innerHTML = renderBlock(src, false);
    expect(page.querySelector('script,img,iframe,svg,style,form,input,object,embed,link')).toBeNull();
    for (const node of page.querySelectorAll('*')) {
      for (const { name, value } of node.attributes) {
        expect(name).not.toMatch(/^on/);
        if (name === 'href') expect(value).toMatch(/^(https?:|mailto:)/);
      }
    }
  });

  it('shows HTML as it was written', () => {
    const page = document.createElement('div');
    page.innerHTML = renderBlock('Use <br> and <script>x</script> here', false);
    expect(page.textContent!.trim()).toBe('Use <br> and <script>x</script> here');
  });

  it('renders code with a copy button and its language', () => {
    const page = document.createElement('div');
    page.innerHTML = renderBlock('```go\nif a < b {}\n```', false);
    expect(page.querySelector('code')!.textContent).toBe('if a < b {}');
    expect(page.querySelector('button')!.dataset['copy']).toBe('code');
    expect(page.querySelector('figcaption span')!.textContent).toBe('go');
  });
});

describe('highlight', () => {
  it('marks a known language and leaves unknown and huge code alone', async () => {
    expect(await highlight('func main() {}', 'go')).toContain('hljs-keyword');
    expect(await highlight('x', 'no-such-language')).toBeUndefined();
    expect(await highlight('x'.repeat(100_000), 'go')).toBeUndefined();
  });
});

describe('plainText', () => {
  it('drops the marks and keeps the words', () => {
    expect(plainText('## A **bold** [link](https://x.y)\n\n- item `code`')).toBe('A bold link item code');
  });
});
