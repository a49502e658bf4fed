import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contrast, parseColor, readable, type RGB } from './color';

const channel = fc.integer({ min: 0, max: 255 });
const color = fc.tuple(channel, channel, channel) as fc.Arbitrary<RGB>;

describe('colour', () => {
  it('reads the notations that computed styles use', () => {
    expect(parseColor('rgb(1, 2, 3)')).toEqual([1, 2, 3]);
    expect(parseColor('color(srgb 0 0.5 1)')).toEqual([0, 127.5, 255]);
    expect(parseColor('none')).toBeNull();
  });

  it('computes the contrast of black on white', () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 5);
    expect(contrast([119, 119, 119], [255, 255, 255])).toBeCloseTo(4.48, 2);
  });

  it('makes every accent readable on every plain ground', () => {
    fc.assert(
      fc.property(color, fc.constantFrom<RGB>([255, 255, 255], [30, 30, 32], [0, 0, 0]), (accent, ground) => {
        expect(contrast(readable(accent, ground, 4.5), ground)).toBeGreaterThanOrEqual(4.5);
      }),
    );
  });

  it('leaves a readable accent alone', () => {
    expect(readable([0, 60, 160], [255, 255, 255], 4.5)).toEqual([0, 60, 160]);
  });
});
