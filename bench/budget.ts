/**
 * npm run bench:budget [-- --times 50]: what each move of a slider in the window of budgets takes, with a model of the shape of
 * Llama 2 7B, 224 matrices with 1.1 million columns. All of it is computed in the window itself.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ANALYSED_ERRORS } from '../shared/analysed-errors.ts';
import { previewBudget } from '../shared/budget-preview.ts';
import { compareBudgets } from '../shared/compare-budgets.ts';
import { hitTarget } from '../shared/hit-size.ts';
import { lossCurve, lossPoints, presetBudgets } from '../shared/loss-curve.ts';
import {
  ANALYSED_TAIL_SHARES,
  ANALYSED_WIDTHS,
  BENEFIT_POINTS,
  PROFILE_POSITIONS,
} from '../shared/loss-profile.ts';
import { MATRIX_KINDS, matrixShape } from '../shared/model.ts';
import { type LossSource, benefitBudgets, benefitKey, predictedLoss } from '../shared/predicted-loss.ts';
import { type BudgetChoices, budgetChoicesSchema } from '../shared/requests.ts';
import { note, section, table } from './report.ts';
import { LLAMA_7B } from '../tests/known-models.ts';
import { timeRuns } from './timing.ts';

/** A frame of a window. */
const TARGET_SECONDS = 0.016;
/** Of the preview alone: everything else that follows a slider has to come into the same frame. */
const TARGET_PREVIEW_SECONDS = 0.001;

const { values } = parseArgs({ options: { times: { type: 'string' } } });
const { times } = z.object({ times: z.coerce.number().int().min(1).max(10_000).default(50) }).parse(values);

const MATRICES = LLAMA_7B.blocks * MATRIX_KINDS.length;

function choices(overrides: number, columnOrder: 'outlier' | 'benefit' = 'outlier'): BudgetChoices {
  return budgetChoicesSchema.parse({
    budget: { bits: 2.12 },
    columnOrder,
    overrides: Array.from({ length: overrides }, (_, index) => ({
      layers: `${index % LLAMA_7B.blocks}`,
      matrices: [MATRIX_KINDS[index % MATRIX_KINDS.length]],
      budget: { apAverage: 3 + (index % 8) / 10, orBits: 0.07 },
    })),
  });
}

/** Errors that fall with widths and shares: how long a look-up takes does not depend on what it finds. */
function syntheticSource(): LossSource {
  const sums = new Float32Array(MATRICES * PROFILE_POSITIONS.length * ANALYSED_ERRORS);
  let at = 0;
  for (let matrix = 0; matrix < MATRICES; matrix++) {
    for (const position of PROFILE_POSITIONS) {
      for (const share of ANALYSED_TAIL_SHARES) {
        for (const width of ANALYSED_WIDTHS) sums[at++] = 1e3 * position * (1 - 8 * share) * 4 ** -width;
      }
    }
  }
  const curve = new Float32Array(MATRICES * BENEFIT_POINTS * 2);
  for (let point = 0; point < MATRICES * BENEFIT_POINTS; point++) {
    curve[2 * point] = 2 + (3 * (point % BENEFIT_POINTS)) / BENEFIT_POINTS;
    curve[2 * point + 1] = 60 * 4 ** -((2 * (point % BENEFIT_POINTS)) / BENEFIT_POINTS);
  }
  const budgets = [previewBudget(LLAMA_7B, 'F16', choices(8)).budget, ...presetBudgets()];
  return {
    profile: {
      s: 13,
      tieRule: 'max-weight',
      weighting: 'none',
      sums,
      energies: new Float32Array(MATRICES).fill(1e3),
    },
    benefit: new Map(benefitBudgets(budgets).map((asked) => [benefitKey(asked), curve])),
  };
}

section('Budgets', `${MATRICES} matrices of the shape of Llama 2 7B, each call ${times} times`);
const source = syntheticSource();
const orders = Array.from({ length: MATRICES }, (_, matrix) => {
  const { columns } = matrixShape(LLAMA_7B, MATRIX_KINDS[matrix % MATRIX_KINDS.length] ?? 'q');
  // 7919 is a prime: each column once, far from its neighbours.
  return Int32Array.from({ length: columns }, (_, rank) => (rank * 7919) % columns);
});
const others = orders.map((order) => order.toReversed());
const { budget } = previewBudget(LLAMA_7B, 'F16', choices(8));
const plain = previewBudget(LLAMA_7B, 'F16', choices(0)).budget;

const rows: string[][] = [];
const time = async (name: string, work: () => unknown): Promise<number> => {
  const taken = await timeRuns(() => Promise.resolve(work()), times);
  const milliseconds = (value: number): string => (1000 * value).toFixed(3);
  rows.push([
    name,
    milliseconds(taken.median),
    milliseconds(taken.best),
    milliseconds(taken.sorted.at(-1) ?? NaN),
  ]);
  return taken.median;
};
const previews = [];
for (const count of [0, 8, 64]) {
  const asked = choices(count);
  const median = await time(`previewBudget(), ${count} overrides`, () =>
    previewBudget(LLAMA_7B, 'F16', asked),
  );
  previews.push(median);
}
const move: number[] = [];
move.push(
  await time('predictedLoss(), 8 overrides', () => predictedLoss(source, LLAMA_7B, budget, 'outlier')),
  await time('predictedLoss() by benefit', () => predictedLoss(source, LLAMA_7B, budget, 'benefit')),
  await time('lossCurve(), 8 overrides', () => lossCurve(source, LLAMA_7B, budget, 'outlier')),
);
await time('the paper’s points', () => lossPoints(source, LLAMA_7B, presetBudgets(), 'outlier'));
const asked = choices(8);
await time('hitTarget(), AP to bytes', () =>
  hitTarget(LLAMA_7B, 'F16', asked, { kind: 'bytes', value: 3e9 }, 'ap'),
);
await time('hitTarget(), OR to stored bits', () =>
  hitTarget(LLAMA_7B, 'F16', asked, { kind: 'stored-bits', value: 2.6 }, 'or'),
);
await time('compareBudgets(), one order', () =>
  compareBudgets(LLAMA_7B, { budget: plain, orders }, { budget, orders }),
);
await time('compareBudgets(), two orders', () =>
  compareBudgets(LLAMA_7B, { budget: plain, orders }, { budget, orders: others }),
);
/** A quarter of the columns wider, other ones each time. */
const foretold = [0, 1].map((first) => ({
  matrices: orders.map(({ length }) => ({
    widths: Uint8Array.from({ length }, (_, column) => (column % 4 === first ? 3 : 2)),
    reserved: new Uint32Array(length),
  })),
}));
const [one = { matrices: [] }, other = { matrices: [] }] = foretold;
await time('compareBudgets(), both foretold', () => compareBudgets(LLAMA_7B, one, other));
table('Milliseconds', ['call', 'median', 'best', 'worst'], rows);
const frame = Math.max(...previews) + move.reduce((sum, each) => sum + each, 0);
note(
  `A move of a slider (preview, predicted loss both ways, curve): ${(1000 * frame).toFixed(2)} ms (target: under ${1000 * TARGET_SECONDS} ms; the preview alone under ${1000 * TARGET_PREVIEW_SECONDS} ms).`,
);
