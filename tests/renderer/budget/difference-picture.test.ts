import { describe, expect, it } from 'vitest';
import { differenceCell } from '../../../renderer/budget/difference-cells.ts';
import { differenceCsv, differenceSvg } from '../../../renderer/budget/difference-picture.ts';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import { COLOURS } from '../charts/chart-colours.ts';

const CHANGES = MATRIX_KINDS.map((kind) => ({
  block: 0,
  kind,
  columns: 100,
  wider: kind === 'q' ? 40 : kind === 'v' ? 10 : 0,
  narrower: kind === 'v' ? 20 : 0,
  moreReserved: 0,
  fewerReserved: 5,
}));
const NAMES = { model: 'Model', a: '2.1', b: '2.5' };
const svgOf = (part: 'width' | 'reserved'): string =>
  differenceSvg([CHANGES.map((change) => differenceCell(change, part))], part, NAMES, COLOURS);

describe('the picture of the difference of two budgets', () => {
  it('has each cell with its sign, as deep as it leans', () => {
    const svg = svgOf('width');
    expect(svg).toContain('<title>Model: columns that are wider or narrower</title>');
    expect(svg).toMatch(/fill="#2f6fb0" fill-opacity="0\.45"\/><text [^>]*>\+40<\/text>/);
    // 10 of 100 fewer, beside 40 of 100 more: half as deep.
    expect(svg).toMatch(/fill="#b35806" fill-opacity="0\.225"\/><text [^>]*>\+10 −20<\/text>/);
    expect(svg.match(/fill="#f1f1ef"\/><text [^>]*>·<\/text>/g)).toHaveLength(5);
    expect(svg).toContain('>A: 2.1</text>');
    expect(svg).toContain('>B: 2.5</text>');
  });

  it('says which part it is about', () => {
    expect(svgOf('reserved')).toContain('Model: columns with more or fewer reserved entries');
    expect(svgOf('reserved').match(/>−5<\/text>/g)).toHaveLength(7);
  });

  it('has both parts as figures', () => {
    const lines = differenceCsv(CHANGES).split('\r\n');
    expect(lines[0]).toBe('layer,matrix,columns,wider,narrower,more_reserved,fewer_reserved');
    expect(lines[3]).toBe('0,v,100,10,20,0,5');
    expect(lines).toHaveLength(9);
  });
});
