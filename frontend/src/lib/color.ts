export type RGB = readonly [number, number, number];

/** "rgb(r, g, b)", "rgba(…)" or "color(srgb r g b)" as 0–255 numbers. */
export function parseColor(css: string): RGB | null {
  const n = css.match(/[\d.]+(e-?\d+)?/g)?.map(Number);
  if (!n || n.length < 3) return null;
  const scale = css.startsWith('color(') ? 255 : 1;
  return [n[0]! * scale, n[1]! * scale, n[2]! * scale];
}

/** Relative luminance by WCAG 2. */
export function luminance(color: RGB): number {
  const [r, g, b] = color.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast ratio by WCAG 2, 1 to 21. */
export function contrast(a: RGB, b: RGB): number {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (hi + 0.05) / (lo + 0.05);
}

/** The colour nearest to `color` that has the ratio against `ground`, mixed towards black or white. */
export function readable(color: RGB, ground: RGB, ratio: number): RGB {
  const target: RGB = luminance(ground) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  for (let mix = 0; mix <= 1; mix += 0.02) {
    const c = color.map((v, i) => Math.round(v + (target[i]! - v) * mix)) as unknown as RGB;
    if (contrast(c, ground) >= ratio) return c;
  }
  return target;
}

export const css = (c: RGB) => `rgb(${c.map(Math.round).join(' ')})`;
