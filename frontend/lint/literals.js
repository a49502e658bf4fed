// Finds text that a person sees but no catalogue holds.
import { lineOf, tree, walk } from './source.js';

/** Attributes and props whose value is shown or read aloud. */
const SHOWN_ATTRIBUTES =
  /^(aria-(label|description|roledescription|valuetext|placeholder)|title|placeholder|alt|label|text|hint|note|message|description|heading|detail)$/;

/** Properties of an object that are meant to be shown. */
const SHOWN_PROPERTIES = /^(label|title|text|message|hint|placeholder|description|heading|note|alt|ariaLabel)$/;

/** Functions whose words are said or shown. */
const SHOWING_CALLS = /^(say|announce|toast|notify|tell|warn|alert|confirm|prompt)$/;

/** Assigned to, these are shown. */
const SHOWING_FIELDS = /^(title|textContent|innerText|placeholder|ariaLabel|alt)$/;

/** What these take is for the machine. */
const TECHNICAL_CALLS =
  /^(querySelector|querySelectorAll|closest|matches|matchMedia|Error|TypeError|getItem|setItem|addRule|log|debug)$/;

const letters = /\p{L}/u;

/** Words in a row, a sentence's end, or Chinese: nothing that a program says to itself. */
function isSentence(text) {
  const words = text.replace(/<[^>]*>/g, ' ').trim();
  return (
    /[\u3400-\u9fff]/.test(words) ||
    /^\p{Lu}\p{Ll}+[,’']?(\s+[\p{L}\d“’'-]+)+/u.test(words) ||
    /\p{L}{2,}\s+\p{L}{2,}.*[.!?…]$/u.test(words)
  );
}

/** Labels written into a piece of HTML. */
const labelled = /(?:aria-label|title|placeholder|alt)="([^"]*\p{L}[^"]*)"/gu;

const nameOf = (node) =>
  node?.type === 'Identifier'
    ? node.name
    : node?.type === 'MemberExpression'
      ? (node.property.name ?? node.property.value)
      : node?.type === 'PrivateIdentifier'
        ? node.name
        : undefined;

/** Is it `t` or `i18n.t`, or a part of it? */
function isCatalogue(node) {
  for (; node?.type === 'MemberExpression'; node = node.object) if (nameOf(node) === 't') return true;
  return node?.type === 'Identifier' && node.name === 't';
}

/** @returns {import('./source.js').Finding[]} */
export function literals(source) {
  const { scripts, fragment, shift } = tree(source);
  const found = new Map();
  const report = (node, text, rule) => {
    const at = node.start - shift;
    if (!found.has(at)) found.set(at, { file: source.file, line: lineOf(source.text, at), text: text.trim(), rule });
  };

  // What a name of the file stands for: its first value, what is assigned to it, what a function gives.
  const values = new Map();
  const give = (name, value) => {
    if (name && value) values.set(name, [...(values.get(name) ?? []), value]);
  };
  walk(scripts, (node) => {
    if (node.type === 'VariableDeclarator') give(node.id.name, node.init);
    if (node.type === 'AssignmentExpression') give(nameOf(node.left), node.right);
    if (node.type === 'FunctionDeclaration') give(node.id?.name, node);
  });
  const followed = new Set();

  /** Reports the literals that an expression may come to. */
  function shown(node, rule) {
    if (!node) return;
    switch (node.type) {
      case 'Literal':
        if (typeof node.value === 'string' && letters.test(node.value)) report(node, node.value, rule);
        return;
      case 'TemplateLiteral':
        for (const part of node.quasis) if (letters.test(part.value.raw)) report(part, part.value.raw, rule);
        for (const part of node.expressions) shown(part, rule);
        return;
      case 'ConditionalExpression':
        shown(node.consequent, rule);
        shown(node.alternate, rule);
        return;
      case 'LogicalExpression':
        if (node.operator !== '&&') shown(node.left, rule);
        shown(node.right, rule);
        return;
      case 'BinaryExpression':
        if (node.operator !== '+') return;
        shown(node.left, rule);
        shown(node.right, rule);
        return;
      case 'TSAsExpression':
      case 'TSNonNullExpression':
      case 'TSSatisfiesExpression':
      case 'AwaitExpression':
        shown(node.expression ?? node.argument, rule);
        return;
      case 'ArrowFunctionExpression':
      case 'FunctionExpression':
      case 'FunctionDeclaration':
        if (node.body.type !== 'BlockStatement') shown(node.body, rule);
        else
          walk(node.body, (inner) => {
            if (/Function/.test(inner.type)) return false;
            if (inner.type === 'ReturnStatement') shown(inner.argument, rule);
          });
        return;
      case 'Identifier':
      case 'CallExpression': {
        const callee = node.type === 'CallExpression' ? node.callee : null;
        const name = nameOf(callee ?? node);
        if (callee?.type === 'MemberExpression' && callee.object.name === '$derived') shown(node.arguments[0], rule);
        else if (name === '$derived' || name === '$state') shown(node.arguments[0], rule);
        else if (callee && isCatalogue(callee)) for (const argument of node.arguments) shown(argument, rule);
        else if (!callee || callee.type === 'Identifier') {
          if (followed.has(name)) return;
          followed.add(name);
          for (const value of values.get(name) ?? []) shown(value, rule);
        }
      }
    }
  }

  walk(fragment, (node, above) => {
    if (node.type === 'Text' && above[0]?.type === 'Fragment' && letters.test(node.data)) {
      report({ start: node.start + node.data.search(/\S/) }, node.data, 'a text on the page');
    }
    if (node.type === 'ExpressionTag' && above[0]?.type === 'Fragment') shown(node.expression, 'a text on the page');
    if (node.type === 'Attribute' && SHOWN_ATTRIBUTES.test(node.name)) {
      for (const value of [node.value].flat()) {
        if (value?.type === 'Text' && letters.test(value.data)) report(value, value.data, `the attribute ${node.name}`);
        if (value?.type === 'ExpressionTag') shown(value.expression, `the attribute ${node.name}`);
      }
    }
    if (/^(RegularElement|Component)$/.test(node.type) && node.name === 'code') return false;
  });

  walk([scripts, fragment], (node, above) => {
    const parent = above[0];
    if (
      /^(Attribute|ClassDirective|StyleDirective|StyleSheet)$/.test(node.type) &&
      /^(class|style|d)$/.test(node.name)
    ) {
      return false;
    }
    if (/^TS/.test(node.type) && /Type$|Interface/.test(node.type)) return false;
    if (node.type === 'ImportDeclaration') return false;
    if (/^(CallExpression|NewExpression)$/.test(node.type)) {
      const name = nameOf(node.callee);
      if (TECHNICAL_CALLS.test(name ?? '')) return false;
      if (SHOWING_CALLS.test(name ?? '')) shown(node.arguments[0], `what ${name}() is told`);
      const [attribute, value] = node.arguments;
      if (name === 'setAttribute' && SHOWN_ATTRIBUTES.test(attribute?.value ?? '')) {
        shown(value, `the attribute ${attribute.value}`);
      }
    }
    if (
      node.type === 'AssignmentExpression' &&
      node.left.type === 'MemberExpression' &&
      SHOWING_FIELDS.test(nameOf(node.left) ?? '')
    ) {
      shown(node.right, `the property ${nameOf(node.left)}`);
    }
    if (node.type === 'Property' && !node.computed && SHOWN_PROPERTIES.test(node.key.name ?? node.key.value ?? '')) {
      shown(node.value, `the property ${node.key.name ?? node.key.value}`);
    }
    const text =
      node.type === 'Literal' && typeof node.value === 'string'
        ? node.value
        : node.type === 'TemplateElement'
          ? node.value.raw
          : null;
    if (text === null || (parent?.type === 'Property' && parent.key === node)) return;
    if (isSentence(text)) report(node, text, 'words of a person');
    for (const [, label] of text.matchAll(labelled)) report(node, label, 'a label in HTML');
  });
  return [...found.values()];
}

/** Numbers, dates and letters follow the page's language only through i18n/format. */
export function locales(source) {
  if (source.file.startsWith('i18n/')) return [];
  const { scripts, fragment, shift } = tree(source);
  const found = [];
  walk([scripts, fragment], (node) => {
    const name = nameOf(node);
    if (
      (node.type === 'MemberExpression' && /^toLocale/.test(name ?? '')) ||
      (node.type === 'Identifier' && name === 'Intl')
    ) {
      found.push({
        file: source.file,
        line: lineOf(source.text, node.start - shift),
        text: name,
        rule: 'a locale used outside i18n/format',
      });
    }
  });
  return found;
}
