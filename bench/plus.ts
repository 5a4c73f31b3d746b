/** CLAQ+ taken apart: each technique alone, all but one, and all, at stored bits that settings of the paper take. */
import { type Budget, budgetOfBits } from '../shared/budget.ts';
import { hitTarget } from '../shared/hit-size.ts';
import { DEFAULT_SWEEPS, PLUS_TECHNIQUES, type PlusTechnique } from '../shared/plus.ts';
import { requestedBudget } from '../shared/requested-budget.ts';
import { evaluatePerplexity } from '../main/engine/evaluate/perplexity.ts';
import { bootstrapInterval } from './bootstrap.ts';
import { table } from './report.ts';
import { type BenchModel, type BenchSetting, benchSetting } from './whole-model.ts';

/** Which techniques a row of the table has, and what it is called. */
type Ablation = readonly [label: string, techniques: readonly PlusTechnique[] | undefined];

export const ABLATION: readonly Ablation[] = [
  ['CLAQ, by benefit', undefined],
  ...PLUS_TECHNIQUES.map((technique): Ablation => [`${technique} alone`, [technique]]),
  ...PLUS_TECHNIQUES.map((technique): Ablation => [
    `all but ${technique}`,
    PLUS_TECHNIQUES.filter((each) => each !== technique),
  ]),
  ['CLAQ+', PLUS_TECHNIQUES],
];

/** The plain method and CLAQ+ whole. */
export const ENDS: readonly Ablation[] = ABLATION.filter(
  ([, techniques]) => techniques === undefined || techniques.length === PLUS_TECHNIQUES.length,
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
  const budget = budgetOfStoredBits(model, stored);
  const rows: string[][] = [];
  for (const [label, techniques] of ablation) {
    const setting: BenchSetting = {
      method: techniques === undefined ? 'claq' : 'claq-plus',
      bits: stored,
      order: 'benefit',
      budget,
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

function budgetOfStoredBits({ checkpoint: { model } }: BenchModel, stored: number): Budget {
  const choices = { budget: { bits: Math.floor(stored) + 0.1 }, overrides: [] };
  if (stored < 2.2) return budgetOfBits(2);
  const { budget } = hitTarget(model, 'BF16', choices, { kind: 'stored-bits', value: stored }, 'ap');
  return requestedBudget(budget);
}
