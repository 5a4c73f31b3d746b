/**
 * npm run bench:packed [-- --model FOLDER ... --cases 2000]: packed models of random shapes and budgets read back, random damage, the
 * size against its bound, and what other codes of positions would cost. How fast they are written: npm run bench:export.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { columnBits } from '../shared/bits.ts';
import { budgetOfBits, planByOrder } from '../shared/budget.ts';
import { ClaqError } from '../shared/errors.ts';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import { bytesPerElement, elementCount } from '../main/engine/checkpoint/safetensors-dtype.ts';
import {
  type QuantizedMatrix,
  codebookFormOf,
  reservedCounts,
} from '../main/engine/claq/quantized-matrix.ts';
import { openPacked } from '../main/engine/packed-model/open-packed.ts';
import { packedFormat } from '../main/engine/packed-model/packed-format.ts';
import { DEMO_MODEL } from '../main/service/bundled-texts.ts';
import { randomExport, readEverything, writePacked } from '../tests/engine/packed-model/packed-folder.ts';
import { quickMatrix, quickRun } from '../tests/engine/packed-model/quick-run.ts';
import { Random } from '../tests/oracle/random.ts';
import { POSITION_CODES } from './position-codes.ts';
import { note, section, table } from './report.ts';

/** Places that each random model is damaged in. */
const DAMAGES = 5;
const BITS = 2.12;

const { values } = parseArgs({
  options: { model: { type: 'string', multiple: true }, cases: { type: 'string', default: '2000' } },
});
const work = await mkdtemp(join(tmpdir(), 'claq-bench-'));
try {
  section('Packed models');
  await benchCases(Number(values.cases));
  for (const folder of values.model ?? [await packedDemo()]) await benchSize(folder);
} finally {
  await rm(work, { recursive: true, force: true });
}

async function benchCases(cases: number): Promise<void> {
  let missed = 0;
  for (let seed = 0; seed < cases; seed++) {
    const folder = join(work, String(seed));
    const request = await randomExport(seed, folder);
    const format = await packedFormat(request);
    const packed = join(folder, 'packed');
    await writePacked(request, packed);
    await format.verify(packed, {});
    await request.checkpoint.close();
    const random = new Random(seed);
    const [file] = format.files;
    for (let i = 0; i < DAMAGES && file !== undefined; i++) {
      if (!(await isRefused(packed, file.name, random))) missed += 1;
    }
    await rm(folder, { recursive: true });
  }
  note(`${cases} models of random shape and budget: written, read and compared, all the same.`);
  note(`${cases * DAMAGES} times one byte changed, cut off or put in: ${missed} not refused.`);
}

/** Whether a file with one byte changed, or all from there on cut off, or one byte more, is refused; then it is as it was. */
async function isRefused(folder: string, name: string, random: Random): Promise<boolean> {
  const path = join(folder, name);
  const good = await readFile(path);
  const at = random.between(0, good.length - 1);
  const flipped = Buffer.from(good);
  flipped[at] = (flipped[at] ?? 0) ^ random.between(1, 255);
  const more = Buffer.concat([good.subarray(0, at), Buffer.of(random.between(0, 255)), good.subarray(at)]);
  await writeFile(path, [flipped, good.subarray(0, at), more][random.between(0, 2)] ?? flipped);
  try {
    const checkpoint = await openPacked(folder);
    await readEverything(checkpoint).finally(() => checkpoint.close());
    return false;
  } catch (error) {
    if (error instanceof ClaqError) return true;
    throw error;
  } finally {
    await writeFile(path, good);
  }
}

/** The demo model with the columns in their own order: the sizes are those of every order, the positions real ones. */
async function packedDemo(): Promise<string> {
  const checkpoint = await openCheckpoint(DEMO_MODEL);
  const budget = budgetOfBits(BITS);
  const request = await quickRun(checkpoint, join(work, 'matrices'), (weights, shape) => {
    const order = Int32Array.from({ length: shape.columns }, (_, column) => column);
    const { widths, reservedLow, reservedHigh } = planByOrder(order, shape.rows, budget);
    const reserved = reservedLow.map((low, column) => low + (reservedHigh[column] ?? 0));
    return quickMatrix(weights, shape, { widths, reserved });
  });
  const folder = join(work, `demo model, ${BITS} bits`);
  await writePacked(request, folder);
  await checkpoint.close();
  return folder;
}

interface MatrixBits {
  /** Codes at their width, halves of codebooks and reserved values, positions: nothing to say which column is which. */
  bound: number;
  reserved: number;
  weights: number;
  /** Positions by each of POSITION_CODES. */
  readonly coded: number[];
}

async function benchSize(folder: string): Promise<void> {
  const checkpoint = await openPacked(folder);
  const bits: MatrixBits = { bound: 0, reserved: 0, weights: 0, coded: POSITION_CODES.map(() => 0) };
  let kept = 0;
  for (const { name, dtype, shape } of checkpoint.tensors.values()) {
    const matrix = await checkpoint.readQuantized(name);
    if (matrix === undefined) kept += (elementCount(shape) ?? 0) * bytesPerElement(dtype);
    else countBits(matrix, bits);
  }
  const arrays = checkpoint.storedShards().flatMap(({ tensors }) => tensors);
  const sizes = await Promise.all(
    [...checkpoint.shards.map(({ file }) => file), 'config.json'].map(
      async (file) => (await stat(join(folder, file))).size,
    ),
  );
  const stored = arrays.filter(({ name }) => !checkpoint.tensors.has(name) && !checkpoint.extras.has(name));
  const sum = (each: readonly number[]): number => each.reduce((all, size) => all + size, 0);
  const packed = sum(stored.map(({ dtype, shape }) => (elementCount(shape) ?? 0) * bytesPerElement(dtype)));
  await checkpoint.close();
  tableOfSizes(basename(folder), [
    ["the matrices' arrays", packed, bits.bound / 8],
    ['weights files and config.json, all else as it is', sum(sizes), bits.bound / 8 + kept],
  ]);
  tableOfPositions(bits);
}

function countBits(matrix: QuantizedMatrix, bits: MatrixBits): void {
  const { rows, columns, widths, levels, reservedStart, reservedRows } = matrix;
  const form = levels.kind === 'codebook' ? codebookFormOf(levels) : {};
  bits.weights += rows * columns;
  for (const [column, count] of reservedCounts(matrix).entries()) {
    bits.bound += columnBits(rows, widths[column] ?? 0, count, form);
    bits.reserved += count;
    const positions = reservedRows.subarray(reservedStart[column], reservedStart[column + 1]);
    for (const [index, [, bitsOf]] of POSITION_CODES.entries()) {
      if (count > 0) bits.coded[index] = (bits.coded[index] ?? 0) + bitsOf(positions, rows);
    }
  }
}

function tableOfSizes(name: string, sizes: readonly (readonly [string, number, number])[]): void {
  table(
    `${name}: bytes against codes at their width, codebooks and reserved values, positions`,
    ['', 'bytes', 'bound', 'more'],
    sizes.map(([what, found, bound]) => [
      what,
      found.toFixed(0),
      bound.toFixed(0),
      `${(100 * (found / bound - 1)).toFixed(3)} %`,
    ]),
  );
}

function tableOfPositions({ bound, reserved, weights, coded }: MatrixBits): void {
  const chosen = coded[POSITION_CODES.findIndex(([name]) => name === 'Elias-Fano')] ?? 0;
  table(
    `Positions of ${reserved} reserved entries among ${weights} weights at ${(bound / weights).toFixed(3)} bits`,
    ['code', 'bits an entry', 'bits a weight', 'matrices would be'],
    POSITION_CODES.map(([name], index) => {
      const all = coded[index] ?? 0;
      const change = (100 * (all - chosen)) / bound;
      return [
        name,
        (all / reserved).toFixed(3),
        (all / weights).toFixed(4),
        `${change >= 0 ? '+' : ''}${change.toFixed(2)} %`,
      ];
    }),
  );
}
