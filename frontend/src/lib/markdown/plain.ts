/** Markdown as plain text for a screen reader. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/```[^\n]*\n?/g, ' ')
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s{0,3}(?:#{1,6}|>|[-*+]|\d+[.)])\s+/gm, '')
    .replace(/\$\$|\\[()[\]]/g, '')
    .replace(/[*_`~|]+/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A rendered text as it reads: for the clipboard. */
export function shownText(prose: Element): string {
  const out: string[] = [];
  for (const node of prose.querySelectorAll('.block > *')) write(node, out, '');
  return out.join('\n\n').trim();
}

function write(node: Element, out: string[], indent: string): void {
  switch (node.tagName) {
    case 'UL':
    case 'OL': {
      const ordered = node.tagName === 'OL';
      let n = Number(node.getAttribute('start') ?? 1);
      const lines: string[] = [];
      for (const item of node.children) {
        const nested: string[] = [];
        for (const list of item.querySelectorAll(':scope > ul, :scope > ol')) write(list, nested, `${indent}  `);
        const mark = item.classList.contains('task') ? '' : ordered ? `${n++}. ` : '- ';
        lines.push(indent + mark + inline(item, true), ...nested);
      }
      out.push(lines.join('\n'));
      break;
    }
    case 'FIGURE':
      out.push(node.querySelector('code')?.textContent ?? '');
      break;
    case 'HR':
      break;
    default:
      if (node.classList.contains('table')) {
        const rows = [...node.querySelectorAll('tr')];
        out.push(rows.map((row) => [...row.children].map((c) => inline(c, false)).join('\t')).join('\n'));
      } else if (node.tagName === 'BLOCKQUOTE') for (const part of node.children) write(part, out, indent);
      else out.push(inline(node, false));
  }
}

/** The words of a node; of a formula its source. `own` leaves out lists inside it. */
function inline(node: Element, own: boolean): string {
  const copy = node.cloneNode(true) as Element;
  if (own) for (const list of copy.querySelectorAll('ul, ol')) list.remove();
  for (const formula of copy.querySelectorAll('.math')) {
    formula.textContent = formula.querySelector('annotation')?.textContent ?? formula.textContent;
  }
  for (const br of copy.querySelectorAll('br')) br.replaceWith('\n');
  return (copy.textContent ?? '').trim();
}
