// Checks the catalogues against each other and against the page that uses them.
import ts from 'typescript';
import { lineOf, tree, walk } from './source.js';

/**
 * The entries of the catalogues of one language, by path ("chat.send"), from
 * every exported object of its files.
 * @returns {Map<string, { file: string, line: number, node: ts.Node, source: ts.SourceFile }>}
 */
export function entries(catalogue) {
  const all = new Map();
  for (const { file, text } of catalogue) {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    const add = (node, path) => {
      while (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isParenthesizedExpression(node)) {
        node = node.expression;
      }
      if (!ts.isObjectLiteralExpression(node)) {
        all.set(path.join('.'), { file, line: lineOf(text, node.getStart(source)), node, source });
        return;
      }
      for (const property of node.properties) {
        if (ts.isPropertyAssignment(property)) add(property.initializer, [...path, property.name.text]);
      }
    };
    source.forEachChild((statement) => {
      if (!ts.isVariableStatement(statement)) return;
      for (const { initializer } of statement.declarationList.declarations) if (initializer) add(initializer, []);
    });
  }
  return all;
}

const at = (entry, text, rule) => ({ file: entry.file, line: entry.line, text, rule });

/** Keys that one language has and the other lacks. */
export function missing(a, b, language) {
  return [...a].filter(([key]) => !b.has(key)).map(([key, entry]) => at(entry, key, `missing in ${language}`));
}

/** Every piece of text below a node. */
function pieces(node) {
  const all = [];
  const visit = (n) => {
    if (ts.isBinaryExpression(n) && /^[!=]==?$/.test(n.operatorToken.getText())) return; // compared, not shown
    if (ts.isStringLiteralLike(n) || ts.isTemplateHead(n) || ts.isTemplateMiddleOrTemplateTail(n)) all.push(n.text);
    n.forEachChild(visit);
  };
  visit(node);
  return all;
}

/** Latin words in Chinese values that are no names, keys or commands. */
export function foreign(chinese, names) {
  const known = new Set(names);
  const found = [];
  for (const [key, entry] of chinese) {
    for (const text of pieces(entry.node)) {
      const own = text.replace(/“qwill[^”]*”|\{\w+\}|[\w.-]+\.(?:json|zip|gguf)\b/gi, ' ');
      const words = (own.match(/[A-Za-z][A-Za-z_'’-]+/g) ?? []).filter((word) => !known.has(word));
      if (words.length) found.push(at(entry, `${key}: ${words.join(' ')}`, 'English in the Chinese words'));
    }
  }
  return found;
}

/**
 * Counts without plural forms: a number that is not asked about, or a shown
 * number with a noun in the plural behind it.
 */
export function counts(english, always) {
  const found = [];
  for (const [key, entry] of english) {
    const { node, source } = entry;
    if (!ts.isArrowFunction(node) || always.includes(key)) continue;
    const body = node.body.getText(source);
    if (/\bplural\(/.test(body)) continue;
    const numbers = node.parameters.filter((p) => p.type?.kind === ts.SyntaxKind.NumberKeyword);
    if (numbers.length || /\$\{\w+\} (?:\w+ )?(?!(?:is|was|as|this|its|has|does)\b)\w{2,}s\b/.test(body)) {
      found.push(at(entry, key, 'a count without plural()'));
    }
  }
  return found;
}

/** The catalogue paths that the page uses; one that ends in ".*" stands for all below it. */
export function used(page) {
  const paths = new Set();
  for (const source of page) {
    const { scripts, fragment } = tree(source);
    const aliases = new Map([['t', '']]);
    const pathOf = (node) => {
      if (node.type === 'TSNonNullExpression' || node.type === 'ChainExpression') return pathOf(node.expression);
      if (node.type === 'Identifier') return aliases.get(node.name);
      if (node.type !== 'MemberExpression') return undefined;
      if (!node.computed && node.property.name === 't' && /^(Identifier|ThisExpression)$/.test(node.object.type))
        return '';
      const above = pathOf(node.object);
      if (above === undefined || above.endsWith('*')) return above;
      const name = node.computed
        ? typeof node.property.value === 'string'
          ? node.property.value
          : '*'
        : node.property.name;
      return above ? `${above}.${name}` : name;
    };
    // Names that stand for a part of the catalogue.
    walk(scripts, (node) => {
      if (node.type !== 'VariableDeclarator' || node.id.type !== 'Identifier' || !node.init) return;
      const call = node.init.type === 'CallExpression' && node.init.callee.name === '$derived';
      const path = pathOf(call ? node.init.arguments[0] : node.init);
      if (path) aliases.set(node.id.name, path);
    });
    walk([scripts, fragment], (node, above) => {
      if (node.type !== 'MemberExpression' && node.type !== 'Identifier') return;
      const parent = above[0];
      if (parent?.type === 'MemberExpression' && parent.object === node) return; // its parent says more
      if (parent?.type === 'MemberExpression' && !parent.computed) return;
      if (parent?.type === 'Property' && parent.key === node && !parent.shorthand) return;
      if (parent?.type === 'VariableDeclarator') return;
      if (parent?.type === 'CallExpression' && parent.callee.name === '$derived') return;
      const path = pathOf(node);
      if (path) paths.add(path);
    });
  }
  return paths;
}

/** Keys that nothing uses. */
export function unused(english, paths) {
  const whole = [...paths].map((path) => path.replace(/\.?\*$/, ''));
  return [...english]
    .filter(([key]) => !whole.some((path) => key === path || key.startsWith(`${path}.`)))
    .map(([key, entry]) => at(entry, key, 'unused'));
}
