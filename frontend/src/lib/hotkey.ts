// Names of system-wide shortcuts as the settings keep them: "Ctrl+Alt+Space".

const MODIFIERS = new Set(['Control', 'Alt', 'Shift', 'Meta', 'OS', 'AltGraph', 'Super', 'Hyper', 'CapsLock', 'Fn']);

const CODES: Record<string, string> = {
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  PrintScreen: 'Print',
};

/** The shortcut of a pressed key: null while only modifiers are held, '' where a key cannot stand alone. */
export function recordedKeys(
  event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'>,
): string | null {
  if (MODIFIERS.has(event.key) || !event.code || event.code === 'Unidentified') return null;
  // The place of the key, for the shortcut must not depend on what the modifiers make it type.
  const key = CODES[event.code] ?? event.code.replace(/^(Key|Digit)(?=.$)/, '');
  if (!event.ctrlKey && !event.altKey && !event.metaKey && !/^F\d+$/.test(key)) return '';
  return [event.ctrlKey && 'Ctrl', event.altKey && 'Alt', event.shiftKey && 'Shift', event.metaKey && 'Super', key]
    .filter(Boolean)
    .join('+');
}
