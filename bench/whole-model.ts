/** A whole model through the method under one setting: perplexity, stored bits, loss, seconds by part. */
import {
  type ColumnClass,
  classesOf,
  nominalBitsOf,
  packedBytes,
  packedGridBytes,
  storedBits,
  totalBytes,
} from '../shared/bits.ts';
import { type Budget, adaptivePrecision, budgetOfBits } from '../shared/budget.ts';
import { type PlusChoices, takesGradients } from '../shared/plus.ts';
import { budgetForAll } from '../shared/model-budget.ts';
import type { MatrixKind, MatrixShape } from '../shared/model.ts';
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import {
  type QuantizedMatrix,
  codebookFormOf,
  reservedCounts,
} from '../main/engine/claq/quantized-matrix.ts';
import type { ColumnOrder, Method } from '../shared/method.ts';
import type { MethodSettings } from '../main/engine/claq/quantize-group.ts';
import { evaluatePerplexity } from '../main/engine/evaluate/perplexity.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { heldOutStrength } from '../main/engine/held-out-strength.ts';
import { type MatrixPlan, planModel } from '../main/engine/plan-model.ts';
import { type QuantizationRun, quantizeModel } from '../main/engine/run.ts';
import { note } from './report.ts';
import { seconds } from './timing.ts';

export interface BenchModel {
  readonly checkpoint: Checkpoint;
  readonly pool: KernelPool;
  /** Calibration segments and evaluation windows, token ids. */
  readonly segments: readonly Int32Array[];
  readonly windows: readonly Int32Array[];
}

export interface BenchSetting {
  readonly method: Method;
  readonly bits: number;
  readonly order: ColumnOrder;
  /** In place of `bits`, which then is for the label. */
  readonly budget?: Budget;
  /** Of claq-plus. */
  readonly plus?: PlusChoices;
  /** Mixes these widths instead of the paper's pair; `bits` is then their average. */
  readonly widths?: readonly [low: number, high: number];
}

export interface BenchResult {
  readonly perplexity: number;
  /** Mean negative log-likelihood of each window. */
  readonly windowNll: readonly number[];
  readonly nominal: number;
  readonly stored: number;
  /** Undefined without error compensation: its weights are right only for compensated columns. */
  readonly loss: number | undefined;
  readonly seconds: number;
}

/** Perplexity of the model as it is. */
export async function originalPerplexity({ checkpoint, windows }: BenchModel): Promise<number> {
  return (await evaluatePerplexity({ checkpoint, windows, onProgress: progressLine('original') })).perplexity;
}

/** Quantizes the model in memory and evaluates it on the way. Says when it is done: a table of such runs takes long. */
export async function benchSetting(model: BenchModel, setting: BenchSetting): Promise<BenchResult> {
  const settings = methodSettings(setting);
  const matrices: (MatrixShape & { readonly classes: readonly ColumnClass[] })[] = [];
  let bytes = 0;
  let weights = 0;
  let loss = 0;
  const start = performance.now();
  const prepared = await preparedRun(model, settings);
  const { perplexity, timing } = await quantizeModel({
    ...model,
    ...prepared,
    onMatrix: ({ matrix }) => {
      const classes = classesOf(matrix.widths, reservedCounts(matrix));
      matrices.push({ rows: matrix.rows, columns: matrix.columns, classes });
      bytes += storedBytes(matrix, classes);
      weights += matrix.rows * matrix.columns;
      loss += matrix.loss;
      return Promise.resolve();
    },
    onProgress: progressLine(settingLabel(setting)),
  });
  const result = {
    perplexity: perplexity?.perplexity ?? NaN,
    windowNll: perplexity?.windowNll ?? [],
    nominal: nominalBitsOf(matrices),
    stored: storedBits(bytes, weights),
    loss: setting.method === 'rtn' ? undefined : loss,
    seconds: (performance.now() - start) / 1000,
  };
  const parts = Object.entries(timing).map(([part, time]) => `${part} ${seconds(time)}`);
  note(`${settingLabel(setting)}: perplexity ${result.perplexity.toFixed(3)}; ${parts.join(', ')}`);
  return result;
}

/** What CLAQ+ finds out before a run. */
async function preparedRun(
  { checkpoint, pool, segments }: BenchModel,
  settings: MethodSettings,
): Promise<Pick<QuantizationRun, 'settings' | 'plan'>> {
  const { plus } = settings;
  if (plus === undefined) return { settings };
  const run = { checkpoint, pool, segments, settings };
  const planned = takesGradients(plus) ? await planModel(run) : undefined;
  const plan =
    planned &&
    ((block: number, kind: MatrixKind): MatrixPlan => {
      const found = planned.find((each) => each.block === block && each.kind === kind);
      if (found === undefined) throw new Error(`no plan of ${kind} in block ${block}`);
      return found;
    });
  if (plus.strength !== 'auto') return { settings, plan };
  const { strength, trials } = await heldOutStrength({ ...run, plan }, plus);
  for (const { strength: tried, nll } of trials) note(`  strength ${tried}: held-out loss ${nll.toFixed(4)}`);
  return { settings: { ...settings, plus: { ...plus, strength } }, plan };
}

export function settingLabel({ method, bits, order, widths, plus }: BenchSetting): string {
  if (plus !== undefined) return `CLAQ+ ${bits} ${plus.techniques.join(',')}`;
  if (widths !== undefined) return `AP ${bits} of {${widths.join(',')}} ${order}`;
  if (method !== 'claq') return `${method} ${bits}`;
  return Number.isInteger(bits) ? String(bits) : `${bits} ${order}`;
}

function budgetOf({ bits, widths, budget }: BenchSetting): Budget {
  if (budget !== undefined) return budget;
  if (widths === undefined) return budgetOfBits(bits);
  return { precision: adaptivePrecision(bits, widths), reservation: undefined };
}

function methodSettings(setting: BenchSetting): MethodSettings {
  const { method, order } = setting;
  return {
    method,
    budget: budgetForAll(budgetOf(setting)),
    outlierS: 13,
    columnOrder: method === 'reference' ? 'outlier' : order,
    codebookFit: method === 'reference' ? 'all' : 'kept',
    groupSize: undefined,
    percdamp: 0.01,
    actOrder: true,
    seed: 0,
    plus: setting.plus,
  };
}

function storedBytes(matrix: QuantizedMatrix, classes: readonly ColumnClass[]): number {
  const { levels, widths } = matrix;
  return totalBytes(
    levels.kind === 'grid'
      ? packedGridBytes(matrix, widths[0] ?? 0, levels.groupSize)
      : packedBytes(matrix, classes, codebookFormOf(levels)),
  );
}

/** One line on a terminal that says how far a run of minutes has come; nothing elsewhere. */
function progressLine(
  label: string,
): (progress: { done: number; total: number; detail?: string | undefined }) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return ({ done, total, detail }) => {
    const line = `${label}: ${Math.floor((100 * done) / total)} % ${detail ?? ''}`;
    process.stderr.write(done === total ? '\r\x1b[K' : `\r\x1b[K${line}`);
  };
}
