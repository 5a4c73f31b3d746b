/** Runs made in a moment: a model's own weights, quantized column by column without looking at any text. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { byteWidth } from '../../../shared/bits.ts';
import { MATRIX_KINDS, matrixName, matrixShape } from '../../../shared/model.ts';
import type { MatrixKind, MatrixShape } from '../../../shared/model.ts';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import type { PackedExport } from '../../../main/engine/packed-model/packed-format.ts';
import { FLOAT8_VALUES } from '../../../main/engine/result/float8.ts';
import { readMatrix, writeMatrix } from '../../../main/engine/result/matrix-file.ts';
import type { Random } from '../../oracle/random.ts';

/** What each column gets. */
export interface QuickColumns {
  readonly widths: Uint8Array;
  readonly reserved: Int32Array;
  /** Halves, [rows]. */
  readonly rowScales?: Float32Array;
  /** Codebooks of up to byteWidth bits in float8. */
  readonly byteCodebooks?: boolean;
}

const half = (value: number): number => Math.f16round(value);
const FINITE_FLOAT8 = [...FLOAT8_VALUES].filter(Number.isFinite);
const float8 = (value: number): number => FINITE_FLOAT8[nearest(FINITE_FLOAT8, value)] ?? 0;

/** The largest entries of each column reserved, the others in codes: quantiles of the column are its codebook. */
export function quickMatrix(
  weights: Float32Array,
  { rows, columns }: MatrixShape,
  { widths, reserved, rowScales, byteCodebooks = false }: QuickColumns,
): QuantizedMatrix {
  const codes = new Uint8Array(rows * columns);
  const [start, centroids] = [[0], [] as number[]];
  const [reservedStart, reservedRows, reservedValues] = [[0], [] as number[], [] as number[]];
  for (let column = 0; column < columns; column++) {
    const values = Float32Array.from({ length: rows }, (_, row) => weights[row * columns + column] ?? 0);
    const bySize = [...values.keys()].sort((a, b) => Math.abs(values[b] ?? 0) - Math.abs(values[a] ?? 0));
    const kept = bySize.slice(0, reserved[column]).sort((a, b) => a - b);
    reservedRows.push(...kept);
    reservedValues.push(...kept.map((row) => half(values[row] ?? 0)));
    reservedStart.push(reservedRows.length);
    const sorted = values.toSorted();
    const size = 2 ** (widths[column] ?? 1);
    const rounded = byteCodebooks && (widths[column] ?? 1) <= byteWidth(rows) ? float8 : half;
    const book = Array.from({ length: size }, (_, k) =>
      rounded(sorted[Math.floor(((k + 0.5) * rows) / size)] ?? 0),
    );
    centroids.push(...book);
    start.push(centroids.length);
    for (let row = 0; row < rows; row++) {
      if (!kept.includes(row)) codes[column * rows + row] = nearest(book, values[row] ?? 0);
    }
  }
  return {
    rows,
    columns,
    widths,
    levels: {
      kind: 'codebook',
      start: Int32Array.from(start),
      centroids: Float32Array.from(centroids),
      ...(rowScales === undefined ? {} : { rowScales }),
      ...(byteCodebooks ? { byteCodebooks } : {}),
    },
    codes,
    reservedStart: Int32Array.from(reservedStart),
    reservedRows: Int32Array.from(reservedRows),
    reservedValues: Float32Array.from(reservedValues),
    loss: 0,
  };
}

/** On a uniform grid, from the smallest to the largest weight of each row and group. */
export function quickGrid(
  weights: Float32Array,
  { rows, columns }: MatrixShape,
  width: number,
  groupSize: number,
): QuantizedMatrix {
  const groups = Math.ceil(columns / groupSize);
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(groups * rows);
  const zeros = new Uint8Array(groups * rows);
  const most = 2 ** width - 1;
  for (let cell = 0; cell < groups * rows; cell++) {
    const [group, row] = [Math.floor(cell / rows), cell % rows];
    const first = group * groupSize;
    const part = weights.subarray(
      row * columns + first,
      row * columns + Math.min(columns, first + groupSize),
    );
    const low = Math.min(0, ...part);
    const scale = half((Math.max(0, ...part) - low) / most) || 2 ** -10;
    const zero = Math.min(most, Math.round(-low / scale));
    scales[cell] = scale;
    zeros[cell] = zero;
    part.forEach((weight, i) => {
      const code = Math.round(weight / scale) + zero;
      codes[(first + i) * rows + row] = Math.max(0, Math.min(most, code));
    });
  }
  return {
    rows,
    columns,
    widths: new Uint8Array(columns).fill(width),
    levels: { kind: 'grid', groupSize, scales, zeros },
    codes,
    reservedStart: new Int32Array(columns + 1),
    reservedRows: new Int32Array(0),
    reservedValues: new Float32Array(0),
    loss: 0,
  };
}

function nearest(book: readonly number[], value: number): number {
  let best = 0;
  book.forEach((centroid, code) => {
    if (Math.abs(centroid - value) < Math.abs((book[best] ?? 0) - value)) best = code;
  });
  return best;
}

/** Columns of a few widths, with a few numbers of reserved entries. */
export function randomColumns(random: Random, { rows, columns }: MatrixShape): QuickColumns {
  const [narrow, wide] = [random.between(1, 4), random.between(4, 8)];
  const counts = [0, random.between(0, Math.min(4, rows)), random.between(0, rows)];
  return {
    widths: Uint8Array.from({ length: columns }, () => (random.between(0, 3) === 0 ? wide : narrow)),
    reserved: Int32Array.from({ length: columns }, () => counts[random.between(0, 2)] ?? 0),
    ...(random.between(0, 3) === 0
      ? { rowScales: random.floats(rows, () => half(0.5 + random.uniform())) }
      : {}),
    ...(random.between(0, 3) === 0 ? { byteCodebooks: true } : {}),
  };
}

/** A matrix of any kind, or undefined: it stays as it is. */
export function randomQuickMatrix(
  random: Random,
  weights: Float32Array,
  shape: MatrixShape,
): QuantizedMatrix | undefined {
  const kind = random.between(0, 9);
  if (kind === 0) return undefined;
  if (kind > 2) return quickMatrix(weights, shape, randomColumns(random, shape));
  return quickGrid(weights, shape, random.between(1, 8), random.between(1, shape.columns));
}

export type MakeMatrix = (
  weights: Float32Array,
  shape: MatrixShape,
  kind: MatrixKind,
) => QuantizedMatrix | undefined;

/** Writes each matrix as a run does. Returns what an export of such a run is made of. */
export async function quickRun(
  checkpoint: Checkpoint,
  folder: string,
  make: MakeMatrix,
): Promise<Pick<PackedExport, 'checkpoint' | 'matrixFile' | 'quantized' | 'program'>> {
  await mkdir(folder, { recursive: true });
  const files = new Map<string, string>();
  for (let block = 0; block < checkpoint.model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      const name = matrixName(block, kind);
      const weights = await checkpoint.read(`${name}.weight`);
      const matrix = make(weights, matrixShape(checkpoint.model, kind), kind);
      if (matrix === undefined) continue;
      const path = join(folder, `${name}.safetensors`);
      await writeMatrix(path, name, matrix);
      files.set(`${name}.weight`, path);
    }
  }
  return {
    checkpoint,
    matrixFile: (name) => files.get(name),
    quantized: async (name) => {
      const path = files.get(name);
      return path === undefined ? undefined : dequantize((await readMatrix(path)).matrix);
    },
    program: 'claq 0.1.0',
  };
}
