import { afterEach, describe, expect, it } from 'vitest';
import { en } from '../i18n/en';
import { isShortcut, keycaps, keyHint, shortcuts, usePlatform, type ShortcutId } from './shortcuts';

const press = (key: string, held: KeyboardEventInit = {}) => new KeyboardEvent('keydown', { key, ...held });

afterEach(() => usePlatform('linux'));

describe('shortcuts', () => {
  it('take Control here and Command on a Mac', () => {
    expect(isShortcut(press('k', { ctrlKey: true }), 'palette')).toBe(true);
    expect(isShortcut(press('k', { metaKey: true }), 'palette')).toBe(false);
    usePlatform('darwin');
    expect(isShortcut(press('k', { metaKey: true }), 'palette')).toBe(true);
    expect(isShortcut(press('k', { ctrlKey: true }), 'palette')).toBe(false);
    expect(keyHint('temporaryChat')).toBe('⌘⇧N');
  });

  it('tell apart what Shift changes', () => {
    expect(isShortcut(press('N', { ctrlKey: true, shiftKey: true }), 'newChat')).toBe(false);
    expect(isShortcut(press('N', { ctrlKey: true, shiftKey: true }), 'temporaryChat')).toBe(true);
    // With Caps Lock on.
    expect(isShortcut(press('N', { ctrlKey: true }), 'newChat')).toBe(true);
  });

  it('take a sign however the layout makes it', () => {
    expect(isShortcut(press('?', { shiftKey: true }), 'shortcuts')).toBe(true);
    expect(isShortcut(press('/', { ctrlKey: true, shiftKey: true }), 'shortcuts')).toBe(true);
    expect(isShortcut(press('/', {}), 'shortcuts')).toBe(false);
  });

  it('leave keys of an input method alone', () => {
    expect(isShortcut(press('Enter', { isComposing: true }), 'accept')).toBe(false);
  });

  it('have a handler each', () => {
    const sources = Object.entries(
      import.meta.glob<string>(['../**/*.svelte', './{keys,diff/review}.ts'], {
        query: '?raw',
        import: 'default',
        eager: true,
      }),
    )
      .map(([, source]) => source)
      .join('\n');
    // Keys of the system or of the field itself, and a command's own number.
    const elsewhere: ShortcutId[] = ['close', 'newLine', 'slash', 'promptCommand'];
    const asked = (id: string) =>
      new RegExp(`(?:isShortcut|isEscape)\\(\\w+, '${id}'\\)|\\w+: '${id}',$`, 'm').test(sources);
    expect((Object.keys(shortcuts) as ShortcutId[]).filter((id) => !asked(id))).toEqual(elsewhere);
  });

  it('have a name each, and no two of a section the same keys', () => {
    const seen = new Map<string, string>();
    for (const [id, { section, keys }] of Object.entries(shortcuts)) {
      expect(en.shortcuts.names[id as ShortcutId], id).toBeTruthy();
      for (const key of keys) {
        const at = `${section} ${key}`;
        expect(seen.get(at), at).toBeUndefined();
        seen.set(at, id);
      }
    }
    expect(keycaps('Mod+ArrowUp')).toEqual(['Ctrl', '↑']);
  });
});
