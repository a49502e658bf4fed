// What the checks read: the page's files as syntax trees.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parse as parseSvelte } from 'svelte/compiler';
import ts from 'typescript';

/**
 * @typedef {{ file: string, line: number, text: string, rule: string }} Finding
 * @typedef {{ file: string, text: string }} Source a path below src, with forward slashes, and its contents
 */

/** Reads every .svelte and .ts file below a folder, but no tests. @returns {Source[]} */
export function sources(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.(svelte|ts)$/.test(name) && !/\.(test|d)\.ts$/.test(name))
    .sort()
    .map((name) => ({
      file: relative(folder, join(folder, name)).split(sep).join('/'),
      text: readFileSync(join(folder, name), 'utf8'),
    }));
}

/** The line of an offset, from 1. */
export const lineOf = (text, offset) => text.slice(0, offset).split('\n').length;

/**
 * The tree of a file in ESTree's nodes: Svelte's own parser reads TypeScript
 * too, so that one walk serves both kinds of files.
 * @returns {{ scripts: object[], fragment: object | null, shift: number }}
 */
export function tree({ file, text }) {
  if (file.endsWith('.svelte')) {
    const root = parseSvelte(text, { modern: true, filename: file });
    return { scripts: [root.module, root.instance].filter(Boolean), fragment: root.fragment, shift: 0 };
  }
  // TypeScript tells of what is no TypeScript in its own words.
  const checked = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const [broken] = checked.parseDiagnostics ?? [];
  if (broken) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(broken.messageText, '\n')}`);
  const head = '<script lang="ts">';
  const root = parseSvelte(`${head}${text.replaceAll('</script', '<\\/script')}</script>`, {
    modern: true,
    filename: file,
  });
  return { scripts: [root.instance], fragment: null, shift: head.length };
}

/** Calls `visit` with every node below one, and the nodes above it, nearest first; `false` leaves out what is inside. */
export function walk(node, visit, above = []) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit, above);
    return;
  }
  if (typeof node.type === 'string' && visit(node, above) === false) return;
  const inside = typeof node.type === 'string' ? [node, ...above] : above;
  for (const [key, child] of Object.entries(node)) {
    if (key === 'loc' || key === 'leadingComments' || key === 'trailingComments' || key === 'metadata') continue;
    if (child && typeof child === 'object') walk(child, visit, inside);
  }
}
