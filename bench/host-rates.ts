/** Rates of files and of what is done beside products and column loops. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { planByBenefit } from '../main/engine/claq/benefit.ts';
import { type QuantizedMatrix, dequantize } from '../main/engine/claq/quantized-matrix.ts';
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { countOutliers } from '../main/engine/kernels/column-statistics.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { writeMatrix } from '../main/engine/result/matrix-file.ts';
import { BlockWeights } from '../main/engine/transformer/block-weights.ts';
import { hashFile } from '../main/engine/checkpoint/file-hash.ts';
import type { Budget } from '../shared/budget.ts';
import { quantizedWeights } from '../shared/model.ts';
import { DEFAULT_OUTLIER_S } from '../shared/outlier-order.ts';
import type { HostRates } from './rates.ts';
import type { RateSamples } from './rate-samples.ts';

/** Columns for which widths and shares are chosen. */
const CHOSEN_COLUMNS = 2048;

/**
 * @param checkpoint a small model, of whose blocks the first is read
 * @param matrix a quantized one, written into the folder
 */
export async function measureHost(
  samples: RateSamples,
  pool: KernelPool,
  checkpoint: Checkpoint,
  matrix: QuantizedMatrix,
  folder: string,
  budget: Budget,
): Promise<void> {
  const weights = matrix.rows * matrix.columns;
  const values = dequantize(matrix);
  await samples.time('statistics', 1, weights, () => countOutliers(pool, values, matrix, DEFAULT_OUTLIER_S));
  await samples.time('dequantize', 1, weights, () => dequantize(matrix));
  const file = join(folder, 'matrix.safetensors');
  const write = async (): Promise<void> => {
    await writeMatrix(file, 'matrix', matrix);
    await hashFile(file);
  };
  await samples.time('write', 1, weights, write, 2);
  await measureChoice(samples, matrix.rows, budget);
  const [shard] = checkpoint.shards;
  if (shard === undefined) throw new Error('a model without weights');
  const path = join(checkpoint.folder, shard.file);
  await samples.time('hash', 1, (await stat(path)).size, () => hashFile(path));
  const { model } = checkpoint;
  const bytes = (2 * quantizedWeights(model)) / model.blocks;
  await samples.time('read', 1, bytes, async () => {
    (await BlockWeights.load(checkpoint, 0)).dispose();
  });
}

/** @param start seconds until the first block, but for hashing */
export function hostRates(samples: RateSamples, start: number): HostRates {
  return {
    start,
    hash: samples.rate('hash'),
    read: samples.rate('read'),
    statistics: samples.rate('statistics'),
    layout: samples.rate('layout'),
    dequantize: samples.rate('dequantize'),
    write: samples.rate('write'),
    choice: samples.rate('choice'),
  };
}

/** Errors that fall with the width as they do, and with the share of what is reserved. */
async function measureChoice(samples: RateSamples, rows: number, budget: Budget): Promise<void> {
  const { low, high } = budget.precision;
  const widths = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const tailCounts = budget.reservation === undefined ? [0] : [0, 8, 16, 29, 57];
  const options = widths.length * tailCounts.length;
  const errors = Float64Array.from({ length: CHOSEN_COLUMNS * options }, (_, at) => {
    const width = widths[at % widths.length] ?? low;
    const tail = Math.floor(at / widths.length) % tailCounts.length;
    return (1 + Math.floor(at / options) / CHOSEN_COLUMNS) * 4 ** -width * 0.9 ** tail;
  });
  const sensitivity = Float64Array.from({ length: CHOSEN_COLUMNS }, (_, column) => 1 + (column % 7));
  await samples.time('choice', 1, CHOSEN_COLUMNS, () =>
    planByBenefit({ widths, tailCounts, errors }, sensitivity, rows, budget),
  );
}
