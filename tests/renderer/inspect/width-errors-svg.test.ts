import { expect, it } from 'vitest';
import { widthErrorsSvg } from '../../../renderer/inspect/width-errors-svg.ts';
import { COLOURS } from '../charts/chart-colours.ts';

const codebook = (width: number, squaredError: number) => ({ width, centroids: [0], squaredError });

/** Lengths of the bars, and what stands at the axis. */
function read(svg: string): { bars: number[]; texts: string[] } {
  return {
    bars: [...svg.matchAll(/<rect x="56" y="\d+" width="([\d.]+)" height="14"/g)].map(([, width]) =>
      Number(width),
    ),
    texts: [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? ''),
  };
}

it('has a bar for each width, between powers of ten', () => {
  const { bars, texts } = read(
    widthErrorsSvg([codebook(1, 1), codebook(2, 0.1), codebook(3, 0.01)], 40, 'Column 7', COLOURS),
  );
  // From 0.01 to 100: 328 pixels for four powers.
  expect(bars).toEqual([164, 82, 0]);
  expect(texts).toEqual([
    ...['Column 7', 'Squared error by width, logarithmic'],
    ...['0.0100', '0.100', '1.00', '10.0', '100'],
    ...['1 bit', '1.00', '2 bits', '0.100', '3 bits', '0.0100'],
  ]);
});

it('has no bars for a column without errors', () => {
  expect(read(widthErrorsSvg([codebook(1, 0), codebook(2, 0)], 0, 'Zeros', COLOURS)).bars).toEqual([0, 0]);
});
