import type { Settings } from './api/types';
import { isShortcut, type ShortcutId } from './shortcuts';

/** A shortcut on Escape that is meant for the page: not for an open dialog or a menu. */
export function isEscape(event: KeyboardEvent, id: ShortcutId): boolean {
  return (
    isShortcut(event, id) &&
    !event.defaultPrevented &&
    !document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')
  );
}

/** The key that sends, as it is set: Return, or only with Control or Command. */
export function isSend(event: KeyboardEvent, key: Settings['send_key']): boolean {
  return isShortcut(event, 'sendMod') || (key === 'enter' && isShortcut(event, 'send'));
}
