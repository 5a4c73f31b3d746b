import { byteWidth } from '../../../shared/bits.ts';
import type { QuantizedMatrix } from '../../../main/engine/claq/quantized-matrix.ts';
import { FLOAT8_VALUES } from '../../../main/engine/result/float8.ts';
import { Random } from '../../oracle/random.ts';

/** A matrix of any widths and reserved entries, as the column loop could have left it. */
export function randomMatrix(seed: number): QuantizedMatrix {
  const random = new Random(seed);
  const rows = random.between(1, 50);
  const columns = random.between(1, 14);
  // Few or many classes, few or many reserved entries.
  const [narrow, wide, most] = [random.between(1, 4), random.between(4, 8), random.between(0, rows)];
  const widths = Uint8Array.from({ length: columns }, () => random.between(narrow, wide));
  const counts = Array.from({ length: columns }, () => random.between(0, 2) && random.between(0, most));
  const half = (): number => random.between(-2048, 2048) / 256;
  const byteCodebooks = random.between(0, 2) === 0;
  const float8 = (): number => FLOAT8_VALUES[random.between(0, 0x7e) + 0x80 * random.between(0, 1)] ?? NaN;
  const start = [0];
  const reservedStart = [0];
  const centroids: number[] = [];
  const reservedRows: number[] = [];
  const reservedValues: number[] = [];
  const codes: number[] = [];
  for (const [column, width] of widths.entries()) {
    const centroid = byteCodebooks && width <= byteWidth(rows) ? float8 : half;
    centroids.push(...Array.from({ length: 2 ** width }, centroid).sort((a, b) => a - b));
    start.push(centroids.length);
    const shuffled = Array.from({ length: rows }, (_, row) => ({ row, key: random.uniform() }));
    const reserved = shuffled
      .sort((a, b) => a.key - b.key)
      .slice(0, counts[column])
      .map(({ row }) => row);
    reserved.sort((a, b) => a - b);
    reservedRows.push(...reserved);
    reservedValues.push(...reserved.map(half));
    reservedStart.push(reservedRows.length);
    const isReserved = new Set(reserved);
    for (let row = 0; row < rows; row++) {
      codes.push(isReserved.has(row) ? 0 : random.between(0, 2 ** width - 1));
    }
  }
  const rowScales = random.between(0, 2) === 0 ? { rowScales: random.floats(rows, half) } : {};
  return {
    rows,
    columns,
    widths,
    levels: {
      kind: 'codebook',
      start: Int32Array.from(start),
      centroids: Float32Array.from(centroids),
      ...rowScales,
      ...(byteCodebooks ? { byteCodebooks } : {}),
    },
    codes: Uint8Array.from(codes),
    reservedStart: Int32Array.from(reservedStart),
    reservedRows: Int32Array.from(reservedRows),
    reservedValues: Float32Array.from(reservedValues),
    loss: NaN,
  };
}

/** A matrix on a uniform grid. */
export function randomGridMatrix(seed: number): QuantizedMatrix {
  const random = new Random(seed);
  const rows = random.between(1, 30);
  const columns = random.between(1, 20);
  const width = random.between(1, 8);
  const groupSize = random.between(1, columns);
  const cells = rows * Math.ceil(columns / groupSize);
  return {
    rows,
    columns,
    widths: new Uint8Array(columns).fill(width),
    levels: {
      kind: 'grid',
      groupSize,
      scales: random.floats(cells, () => random.between(1, 2048) / 1024),
      zeros: Uint8Array.from({ length: cells }, () => random.between(0, 2 ** width - 1)),
    },
    codes: Uint8Array.from({ length: rows * columns }, () => random.between(0, 2 ** width - 1)),
    reservedStart: new Int32Array(columns + 1),
    reservedRows: new Int32Array(0),
    reservedValues: new Float32Array(0),
    loss: NaN,
  };
}
