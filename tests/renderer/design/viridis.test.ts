import { describe, expect, it } from 'vitest';
import { inkOnViridis, viridis, VIRIDIS_COLOURS } from '../../../renderer/design/viridis.ts';

/** Relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

describe('viridis', () => {
  it('is Matplotlib’s table: its ends and its middle', () => {
    expect(VIRIDIS_COLOURS).toHaveLength(256);
    expect([viridis(0), viridis(0.5), viridis(1)]).toEqual(['#440154', '#21918c', '#fde725']);
    expect([viridis(-1), viridis(2), viridis(Number.NaN)]).toEqual(['#440154', '#fde725', '#440154']);
  });

  it('grows lighter from colour to colour', () => {
    const steps = VIRIDIS_COLOURS.map(luminance);
    for (const [at, here] of steps.entries()) if (at >= 8) expect(here).toBeGreaterThan(steps[at - 8] ?? 1);
  });

  it('can be written on: 4.5 to 1 on every colour', () => {
    for (const [at, colour] of VIRIDIS_COLOURS.entries()) {
      expect(contrast(inkOnViridis(at / 255), colour)).toBeGreaterThan(4.4);
    }
  });
});
