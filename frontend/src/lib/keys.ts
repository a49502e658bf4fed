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
