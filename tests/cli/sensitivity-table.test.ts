import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { sensitivityText } from '../../main/cli/sensitivity-table.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';

it('has a line a layer and a column a matrix', () => {
  const matrices = [0, 1].flatMap((block) =>
    MATRIX_KINDS.map((kind, place) => ({ block, kind, mean: place * 10 ** -(block + 3), median: 0 })),
  );
  const text = sensitivityText({
    matrices,
    ...{ tokens: 2047, segments: 1, segmentLength: 2048, seconds: 3 },
    ...{ text: '/texts/calibration.txt', textSha256: '0123456789abcdef', model: '/models/a' },
    ...{ engine: 'WebAssembly', forwardPrecision: 'float32' },
  });
  expect(
    stripVTControlCharacters(text)
      .split('\n')
      .map((line) => line.trim().replaceAll(/ +/g, ' ')),
  ).toEqual([
    "4. Sensitivity of every layer and matrix: mean squared gradient at the layer's output",
    'Over 2,047 tokens of /texts/calibration.txt (sha256 0123456789ab), 1 x 2048; by WebAssembly in 3 s.',
    'layer q k v o gate up down',
    '0 0 1.00e-3 2.00e-3 3.00e-3 4.00e-3 5.00e-3 6.00e-3',
    '1 0 1.00e-4 2.00e-4 3.00e-4 4.00e-4 5.00e-4 6.00e-4',
    '',
  ]);
});
