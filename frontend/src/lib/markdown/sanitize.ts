// The one gate between what a model wrote and the page: HTML strings become safe nodes here.
import DOMPurify from 'dompurify';

const TEXT = {
  ALLOWED_TAGS: (
    'a b blockquote br button code del div em figcaption figure h1 h2 h3 h4 h5 h6 hr i li ol p pre s span strong ' +
    'sub sup table tbody td th thead tr ul'
  ).split(' '),
  ALLOWED_ATTR:
    'href class type start scope tabindex role aria-label aria-expanded data-act data-language data-lines'.split(' '),
  ALLOW_DATA_ATTR: false,
  // The pattern below would otherwise be asked about these as well.
  ADD_URI_SAFE_ATTR: 'type start scope tabindex aria-label aria-expanded data-act data-language data-lines'.split(' '),
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  RETURN_DOM_FRAGMENT: true as const,
};

const MATH = {
  ALLOWED_TAGS: (
    'span svg path line math semantics annotation menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace ' +
    'msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover'
  ).split(' '),
  ALLOWED_ATTR: (
    'accent accentunder aria-hidden class columnalign columnlines columnspacing d display displaystyle encoding fence ' +
    'height linethickness lspace mathbackground mathcolor mathvariant maxsize minsize notation preserveAspectRatio ' +
    'rowlines rowspacing rspace scriptlevel separator stretchy stroke-width style viewBox voffset width x1 x2 y1 y2'
  ).split(' '),
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

/** The styles by which KaTeX places the parts of a formula; nothing that leaves the formula. */
const STYLES = new Set(
  (
    'height width min-width vertical-align top bottom left margin-left margin-right padding-left color ' +
    'background-color border-style border-width border-top-width border-right-width border-bottom-width ' +
    'border-right-style border-color position'
  ).split(' '),
);
const LENGTH = /^-?\d*\.?\d+(?:em|ex|px|pt|%)?$/;
const COLOR = /^(?:#[\da-f]{3,8}|[a-z]+)$/i;

const text = DOMPurify(window);
const math = DOMPurify(window);

math.addHook('uponSanitizeAttribute', (_, data) => {
  if (data.attrName !== 'style') return;
  data.attrValue = data.attrValue
    .split(';')
    .map((declaration) => declaration.split(':').map((part) => part.trim()))
    .filter(([name = '', value = '']) => STYLES.has(name) && safeValue(name, value))
    .map(([name, value]) => `${name}:${value}`)
    .join(';');
});

function safeValue(name: string, value: string): boolean {
  if (name === 'position') return value === 'relative';
  if (LENGTH.test(value)) return Math.abs(parseFloat(value)) <= 100;
  return COLOR.test(value);
}

/** Safe nodes of a rendered block. `formulas` are KaTeX's, one for each element with the class "math". */
export function safeNodes(html: string, formulas: readonly string[]): DocumentFragment {
  const fragment = text.sanitize(html, TEXT);
  if (formulas.length) {
    fragment.querySelectorAll('.math').forEach((node, i) => {
      const formula = formulas[i];
      if (!formula) return;
      node.replaceChildren(math.sanitize(formula, MATH));
      node.classList.add('ready');
    });
  }
  return fragment;
}
