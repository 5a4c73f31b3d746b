import { expect, it } from 'vitest';
import {
  columnsCsv,
  entriesCsv,
  histogramCsv,
  linesCsv,
  matricesCsv,
  sensitivityCsv,
  widthsCsv,
} from '../../../renderer/inspect/inspect-csv.ts';
import { overview } from './overview.ts';

it('has a line a matrix', () => {
  expect(matricesCsv([overview(3, 'q', { outliers: 8, ranked: 4 })], 0, 2)).toBe(
    'layer,matrix,rows,columns,s,outliers,outlier_ratio,ranked_columns,mean_magnitude,max_magnitude\r\n' +
      '3,q,10,20,2,8,0.04,4,0.5,4\r\n',
  );
});

it('has a line a matrix with its sensitivity', () => {
  expect(sensitivityCsv([{ block: 3, kind: 'q', mean: 1.5e-7, median: 0 }])).toBe(
    'layer,matrix,mean_squared_gradient,median_squared_gradient\r\n3,q,1.5e-7,0\r\n',
  );
});

it('has a line a layer', () => {
  expect(
    linesCsv(
      [
        {
          name: 'q',
          points: [
            [0, 0.25],
            [1, 0],
          ],
        },
      ],
      5,
    ),
  ).toBe('line,layer,s,outlier_ratio\r\nq,0,5,0.25\r\nq,1,5,0\r\n');
});

it('has a line a column, in Outlier Order, with what the columns up to it hold', () => {
  const matrix = {
    ...{ block: 0, kind: 'v' as const, rows: 8 },
    outliers: Uint32Array.of(1, 3, 0),
    ranks: { order: Uint16Array.of(1, 0, 2), ranks: Int32Array.of(1, 0, 2) },
  };
  expect(columnsCsv([matrix], 5)).toBe(
    'layer,matrix,s,rank,column,outliers,outlier_ratio,held_share\r\n' +
      '0,v,5,1,1,3,0.375,0.75\r\n0,v,5,2,0,1,0.125,1\r\n0,v,5,3,2,0,0,1\r\n',
  );
});

it('has a line an entry', () => {
  expect(entriesCsv({ rows: [4, 6], columns: [7, 9] }, Float32Array.of(1, 0.5, 2, 0.25))).toBe(
    'row,column,magnitude_by_mean\r\n4,7,1\r\n4,8,0.5\r\n5,7,2\r\n5,8,0.25\r\n',
  );
});

it('has a line a bin, and a line a width', () => {
  expect(histogramCsv({ from: -1, width: 0.5, counts: Uint32Array.of(2, 3) })).toBe(
    'from,to,entries\r\n-1,-0.5,2\r\n-0.5,0,3\r\n',
  );
  expect(widthsCsv([{ width: 1, centroids: [-1, 1], squaredError: 0.5 }], 2)).toBe(
    'width,centroids,squared_error,relative_error\r\n1,2,0.5,0.25\r\n',
  );
});
