import { describe, expect, it } from 'vitest';
import { recordedKeys } from './hotkey';

const press = (key: string, code: string, held: string[] = []) =>
  recordedKeys({
    key,
    code,
    ctrlKey: held.includes('c'),
    altKey: held.includes('a'),
    shiftKey: held.includes('s'),
    metaKey: held.includes('m'),
  });

describe('recorded shortcuts', () => {
  it('have names that the backend reads', () => {
    expect(press(' ', 'Space', ['c', 'a'])).toBe('Ctrl+Alt+Space');
    expect(press('˚', 'KeyK', ['a', 's'])).toBe('Alt+Shift+K');
    expect(press('7', 'Digit7', ['m'])).toBe('Super+7');
    expect(press('ArrowUp', 'ArrowUp', ['c'])).toBe('Ctrl+Up');
    expect(press('F9', 'F9')).toBe('F9');
  });

  it('wait for a key beside the modifiers', () => expect(press('Control', 'ControlLeft', ['c'])).toBeNull());

  it('refuse a key that every text needs', () => {
    expect(press('k', 'KeyK')).toBe('');
    expect(press('K', 'KeyK', ['s'])).toBe('');
  });
});
