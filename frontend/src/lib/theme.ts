import type { Theme } from './api/types';
import { css, parseColor, readable, type RGB } from './color';

const FALLBACK: RGB = [47, 91, 209];
const WHITE: RGB = [255, 255, 255];
const GROUND: Record<'light' | 'dark', RGB> = { light: [247, 247, 248], dark: [44, 44, 47] };

const dark = matchMedia('(prefers-color-scheme: dark)');
let setting: Theme = 'system';

/** Sets the colours for a setting; "system" follows the system, also while the app runs. */
export function useTheme(next: Theme): void {
  setting = next;
  apply();
}

/** Sets whether movement is reduced beyond what the system asks for. */
export function useReducedMotion(reduce: boolean): void {
  document.documentElement.toggleAttribute('data-reduce-motion', reduce);
}

/** Scales every text of the page; `percent` of the size that the system and the browser ask for. */
export function useTextSize(percent: number): void {
  document.documentElement.style.setProperty('--scale', String(percent / 100));
}

export function reducedMotion(): boolean {
  return (
    document.documentElement.hasAttribute('data-reduce-motion') ||
    matchMedia('(prefers-reduced-motion: reduce)').matches
  );
}

function apply(): void {
  const theme = setting === 'system' ? (dark.matches ? 'dark' : 'light') : setting;
  const root = document.documentElement;
  root.dataset['theme'] = theme;
  const accent = systemAccent();
  // The system's accent may be any colour, so both uses of it are made readable.
  root.style.setProperty('--accent', css(readable(accent, WHITE, 4.5)));
  root.style.setProperty('--accent-ink', css(readable(accent, GROUND[theme], 4.8)));
}

function systemAccent(): RGB {
  if (!CSS.supports('color', 'AccentColor')) return FALLBACK;
  const probe = document.createElement('span');
  probe.style.color = 'AccentColor';
  document.documentElement.append(probe);
  const color = parseColor(getComputedStyle(probe).color);
  probe.remove();
  return color ?? FALLBACK;
}

dark.addEventListener('change', apply);
addEventListener('focus', apply); // the accent may have been changed meanwhile
