/** CLAQ+ taken apart: each technique alone, all but one, and all, at stored bits that settings of the paper take. */
import { storedBits } from '../shared/bits.ts';
import { type Budget, budgetOfBits } from '../shared/budget.ts';
import { hitTarget } from '../shared/hit-size.ts';
import { budgetForAll } from '../shared/model-budget.ts';
import { quantizedWeights } from '../shared/model.ts';
import { plannedPackedBytes } from '../shared/planned-bytes.ts';
import { DEFAULT_SWEEPS, PLUS_TECHNIQUES, type PlusTechnique } from '../shared/plus.ts';
import { requestedBudget } from '../shared/requested-budget.ts';
import { evaluatePerplexity } from '../main/engine/evaluate/perplexity.ts';
import { bootstrapInterval } from './bootstrap.ts';
import { table } from './report.ts';
import { type BenchModel, type BenchSetting, benchSetting } from './whole-model.ts';

/** Which techniques a row of the table has, and what it is called. */
interface Ablation {
  readonly label: string;
  /** Undefined: the plain method. */
  readonly techniques: readonly PlusTechnique[] | undefined;
  /** Its budget reserves entries: without any, one technique has nothing to do. */
  readonly reserves?: boolean;
}

export const ABLATION: readonly Ablation[] = [
  { label: 'CLAQ, AP by benefit', techniques: undefined },
  { label: 'CLAQ, AP + OR by benefit', techniques: undefined, reserves: true },
  ...PLUS_TECHNIQUES.map((technique): Ablation => {
    const reserves = technique === 'error-reservation';
    return { label: `${technique} alone${reserves ? ', AP + OR' : ''}`, techniques: [technique], reserves };
  }),
  ...PLUS_TECHNIQUES.map((technique): Ablation => ({
    label: `all but ${technique}`,
    techniques: PLUS_TECHNIQUES.filter((each) => each !== technique),
  })),
  { label: 'CLAQ+', techniques: PLUS_TECHNIQUES },
];

/** The plain method and CLAQ+ whole. */
export const ENDS: readonly Ablation[] = ABLATION.filter(
  ({ techniques, reserves }) =>
    reserves !== true && (techniques === undefined || techniques.length === PLUS_TECHNIQUES.length),
);

/** @param stored bits a weight that the plain method shall come to, by its average width */
export async function benchPlus(
  title: string,
  model: BenchModel,
  stored: number,
  ablation: readonly Ablation[],
): Promise<void> {
  const { checkpoint, windows } = model;
  const { windowNll: original } = await evaluatePerplexity({ checkpoint, windows });
  const rows: string[][] = [];
  for (const { label, techniques, reserves = false } of ablation) {
    const setting: BenchSetting = {
      method: techniques === undefined ? 'claq' : 'claq-plus',
      bits: stored,
      order: 'benefit',
      budget: budgetOfStoredBits(model, stored, reserves),
      ...(techniques === undefined
        ? {}
        : { plus: { techniques: [...techniques], strength: 'auto', sweeps: DEFAULT_SWEEPS } }),
    };
    const result = await benchSetting(model, setting);
    const gaps = result.windowNll.map((nll, window) => nll - (original[window] ?? 0));
    const gap = gaps.reduce((sum, each) => sum + each, 0) / gaps.length;
    const [low, high] = bootstrapInterval(gaps);
    rows.push([
      label,
      result.stored.toFixed(3),
      result.perplexity.toFixed(2),
      gap.toFixed(3),
      `${low.toFixed(3)} to ${high.toFixed(3)}`,
      result.loss?.toPrecision(4) ?? '',
      result.seconds.toFixed(0),
    ]);
  }
  table(
    title,
    ['techniques', 'stored bits', 'perplexity', 'gap, nats', '95 % of the gap', 'loss', 'seconds'],
    rows,
  );
}

/** Bits that OR of the paper's 2.12 and 3.12 has. */
const RESERVED_BITS = 0.07;

/** One width for all where that comes to it, else AP. */
function budgetOfStoredBits({ checkpoint }: BenchModel, stored: number, reserves: boolean): Budget {
  const { model } = checkpoint;
  const whole = budgetOfBits(Math.floor(stored));
  const wholeBytes = plannedPackedBytes(model, { method: 'claq', budget: budgetForAll(whole) });
  const isWhole = Math.abs(storedBits(wholeBytes, quantizedWeights(model)) - stored) < 0.005;
  if (isWhole && !reserves) return whole;
  const request = { apAverage: Math.floor(stored) + 0.1, ...(reserves ? { orBits: RESERVED_BITS } : {}) };
  const choices = { budget: request, overrides: [] };
  const { budget } = hitTarget(model, 'BF16', choices, { kind: 'stored-bits', value: stored }, 'ap');
  return requestedBudget(budget);
}
