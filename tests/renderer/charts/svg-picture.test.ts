import { describe, expect, it } from 'vitest';
import { matrixGridSvg } from '../../../renderer/charts/matrix-grid-svg.ts';
import { gridPicture, withMatrices } from '../../../renderer/charts/matrix-grid.ts';
import { svgDocument, svgText, textShape } from '../../../renderer/charts/svg-picture.ts';
import { matrixResult } from './matrix-result.ts';
import { COLOURS } from './chart-colours.ts';

describe('SVG as text', () => {
  it('escapes what has a meaning in it', () => {
    expect(svgText([textShape(1, 2, 'a < b & "c"', { colour: '#000' })])).toBe(
      '<text x="1" y="2" font-size="11" text-anchor="start" fill="#000">a &lt; b &amp; &quot;c&quot;</text>',
    );
  });

  it('has the size, the title and the surface under all', () => {
    const text = svgDocument({ width: 20, height: 10, title: 'A & B' }, COLOURS, '<g/>');
    expect(text).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="20" height="10" viewBox="0 0 20 10"/,
    );
    expect(text).toMatch(
      /<title>A &amp; B<\/title><rect width="20" height="10" fill="#ffffff"\/><g\/><\/svg>$/,
    );
  });
});

describe('matrixGridSvg', () => {
  it('has each cell with its figure and its colour, the scale and the title', () => {
    const matrices = withMatrices(new Map(), [
      matrixResult({ loss: 20 }),
      matrixResult({ kind: 'down', loss: 2000 }),
      matrixResult({ block: 1, loss: null }),
    ]);
    const text = matrixGridSvg(gridPicture(2, matrices, 'lossPerWeight', 'log'), 'Losses', COLOURS);
    expect(text.match(/<rect [^>]*width="63"/g)).toHaveLength(14);
    expect(text).toContain(
      'width="63" height="19" fill="#440154"/><text x="88" y="110" font-size="11" text-anchor="middle" fill="#ffffff">0.00100</text>',
    );
    expect(text).toContain('>loss a weight, logarithmic scale</text>');
    expect(text).toContain('<title>Losses</title>');
  });
});
