// Every shortcut of the page, once: the handlers ask this list, and the sheet shows it.

export type ShortcutSection = 'app' | 'chats' | 'chat' | 'write' | 'review' | 'prompt';

export interface Shortcut {
  section: ShortcutSection;
  /** Alternatives such as "Mod+Shift+N"; Mod is Command on a Mac, else Control. */
  keys: readonly string[];
}

const list = {
  palette: { section: 'app', keys: ['Mod+K'] },
  newChat: { section: 'app', keys: ['Mod+N'] },
  temporaryChat: { section: 'app', keys: ['Mod+Shift+N'] },
  write: { section: 'app', keys: ['Mod+E'] },
  models: { section: 'app', keys: ['Mod+Shift+M'] },
  search: { section: 'app', keys: ['Mod+Shift+F'] },
  sidebar: { section: 'app', keys: ['Mod+B'] },
  settings: { section: 'app', keys: ['Mod+,'] },
  shortcuts: { section: 'app', keys: ['?', 'Mod+/'] },
  undo: { section: 'app', keys: ['Mod+Z'] },
  notices: { section: 'app', keys: ['F6'] },
  close: { section: 'app', keys: ['Escape'] },

  rowMove: { section: 'chats', keys: ['ArrowUp', 'ArrowDown'] },
  rowFold: { section: 'chats', keys: ['ArrowLeft', 'ArrowRight'] },
  rowRename: { section: 'chats', keys: ['F2'] },
  rowRemove: { section: 'chats', keys: ['Delete', 'Backspace'] },
  rowSelect: { section: 'chats', keys: ['Space'] },
  rowExtend: { section: 'chats', keys: ['Shift+ArrowUp', 'Shift+ArrowDown'] },
  selectAll: { section: 'chats', keys: ['Mod+A'] },
  rowMenu: { section: 'chats', keys: ['Shift+F10', 'ContextMenu'] },

  send: { section: 'chat', keys: ['Enter'] },
  sendMod: { section: 'chat', keys: ['Mod+Enter'] },
  newLine: { section: 'chat', keys: ['Shift+Enter'] },
  slash: { section: 'chat', keys: ['/'] },
  editLast: { section: 'chat', keys: ['ArrowUp'] },
  stop: { section: 'chat', keys: ['Escape'] },

  run: { section: 'write', keys: ['Mod+Enter'] },
  back: { section: 'write', keys: ['Escape'] },

  nextChange: { section: 'review', keys: ['ArrowDown', 'ArrowRight', 'J'] },
  previousChange: { section: 'review', keys: ['ArrowUp', 'ArrowLeft', 'K'] },
  firstChange: { section: 'review', keys: ['Home'] },
  lastChange: { section: 'review', keys: ['End'] },
  accept: { section: 'review', keys: ['Enter'] },
  reject: { section: 'review', keys: ['Delete', 'Backspace'] },
  acceptAll: { section: 'review', keys: ['Shift+Enter'] },

  promptCommand: { section: 'prompt', keys: ['1', '9'] },
  promptGo: { section: 'prompt', keys: ['Enter'] },
  promptInsert: { section: 'prompt', keys: ['Mod+Enter'] },
  promptBack: { section: 'prompt', keys: ['Escape'] },
} as const satisfies Record<string, Shortcut>;

export type ShortcutId = keyof typeof list;

export const shortcuts: Readonly<Record<ShortcutId, Shortcut>> = list;

let mac = false;

/** Tells which key Mod is. */
export function usePlatform(platform: 'darwin' | 'linux'): void {
  mac = platform === 'darwin';
}

/** True when the event is one of the shortcut's keys, and no input method is composing. */
export function isShortcut(event: KeyboardEvent, id: ShortcutId): boolean {
  if (event.isComposing || event.keyCode === 229) return false;
  return shortcuts[id].keys.some((keys) => pressed(event, keys));
}

function pressed(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split('+');
  const key = parts.pop()!;
  const mod = parts.includes('Mod');
  if (event.ctrlKey !== (mod && !mac) || event.metaKey !== (mod && mac) || event.altKey) return false;
  if (key.length > 1) return event.shiftKey === parts.includes('Shift') && event.key === (key === 'Space' ? ' ' : key);
  // A letter's case and the Shift that some layouts need for a sign say nothing by themselves.
  if (/[a-z]/i.test(key)) {
    return event.shiftKey === parts.includes('Shift') && event.key.toLowerCase() === key.toLowerCase();
  }
  return event.key === key;
}

const SIGNS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
};
const MAC: Record<string, string> = {
  Mod: '⌘',
  Shift: '⇧',
  Alt: '⌥',
  Ctrl: '⌃',
  Enter: '↩',
  Delete: '⌦',
  Backspace: '⌫',
  Escape: 'esc',
};
const OTHERS: Record<string, string> = { Mod: 'Ctrl', Escape: 'Esc', ContextMenu: 'Menu' };

/** The names on the keycaps of a combination, in the order they are pressed. */
export function keycaps(keys: string): string[] {
  return keys.split('+').map((k) => SIGNS[k] ?? (mac ? MAC : OTHERS)[k] ?? k);
}

/** The first combination of a shortcut as a hint in a text: "Ctrl+K", "⌘K". */
export function keyHint(id: ShortcutId): string {
  return keycaps(shortcuts[id].keys[0]!).join(mac ? '' : '+');
}

/** True in a field that takes text: there a plain key is typed. */
export function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range', 'file'].includes(target.type);
}
