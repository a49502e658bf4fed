import type { Settings } from './api/types';

/** Escape that is meant for the page: not for an input method, an open dialog or a menu. */
export function isEscape(event: KeyboardEvent): boolean {
  return (
    event.key === 'Escape' &&
    !event.defaultPrevented &&
    !event.isComposing &&
    event.keyCode !== 229 &&
    !document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]')
  );
}

/**
 * The key that sends, as it is set: Return, or with Control or Command; never one that an input method is taking
 * (229 is what WebKit reports).
 */
export function isSend(event: KeyboardEvent, key: Settings['send_key']): boolean {
  if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey)
    return false;
  return key === 'enter' || event.ctrlKey || event.metaKey;
}
