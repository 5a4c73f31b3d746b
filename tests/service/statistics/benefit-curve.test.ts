import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidates, mostClassBits, planByBenefit } from '../../../main/engine/claq/benefit.ts';
import {
  type MatrixCosts,
  NUMBERS_A_CURVE,
  benefitCurve,
} from '../../../main/service/statistics/benefit-curve.ts';
import { ANALYSED_ERRORS, errorBetween, errorPlace } from '../../../shared/analysed-errors.ts';
import { columnBits, columnClasses, packedBytes, totalBytes } from '../../../shared/bits.ts';
import { type Budget, planByOrder } from '../../../shared/budget.ts';
import {
  ANALYSED_TAIL_SHARES,
  ANALYSED_WIDTHS,
  BENEFIT_POINTS,
  type BenefitBudget,
} from '../../../shared/loss-profile.ts';
import { chance } from '../../renderer/fake-library.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

const ROWS = 512;
const PAPER: BenefitBudget = { low: 2, high: 4, headShare: 0.014, restShare: 0.004 };

/** Columns as analyses find them: errors fall by about 4 a bit, and with reserved entries by more in some than in others. */
function costsOf(columns: number, seed: number): MatrixCosts {
  const errors = new Float16Array(columns * ANALYSED_ERRORS);
  let at = 0;
  for (let column = 0; column < columns; column++) {
    const [start, steep, base] = [1, 2, 3].map((each) => chance(seed + 7 * column + each));
    for (const share of ANALYSED_TAIL_SHARES) {
      const reserved = (0.3 + 0.1 * (start ?? 0)) * Math.exp(-share * 40 * (steep ?? 0));
      for (const width of ANALYSED_WIDTHS) errors[at++] = reserved * (3 + (base ?? 0)) ** (1 - width);
    }
  }
  const energies = Float64Array.from(
    { length: columns },
    (_, column) => 0.1 + 10 * chance(seed - column) ** 8,
  );
  return { rows: ROWS, energies, errors };
}

function curveOf(costs: MatrixCosts, budget: BenefitBudget): { bits: number[]; errors: number[] } {
  const curve = new Float32Array(NUMBERS_A_CURVE);
  benefitCurve(costs, budget, curve);
  const points = Array.from({ length: BENEFIT_POINTS }, (_, point) => point);
  return {
    bits: points.map((point) => curve[2 * point] ?? NaN),
    errors: points.map((point) => curve[2 * point + 1] ?? NaN),
  };
}

function budgetOf({ low, high, headShare, restShare }: BenefitBudget, average = low): Budget {
  const reservation =
    headShare + restShare === 0 ? undefined : { nominalBits: 0, headColumns: 0.1, headShare, restShare };
  return { precision: { low, high, average }, reservation };
}

/** Bits and losses of a column's choices, the cheapest first. */
function choicesOf({ rows, energies, errors }: MatrixCosts, budget: BenefitBudget, column: number) {
  const { widths, tailCounts } = candidates(rows, budgetOf(budget));
  const choices = tailCounts.flatMap((tail) =>
    widths.map((width) => {
      const place = errorPlace(rows, width, tail);
      const [below = NaN, above = NaN] = [place.below, place.above].map(
        (at) => errors[column * ANALYSED_ERRORS + at],
      );
      return {
        bits: columnBits(rows, width, 2 * tail),
        loss: (energies[column] ?? NaN) * errorBetween(below, above, place),
      };
    }),
  );
  return choices.toSorted((a, b) => a.bits - b.bits);
}

/** By its definition: of all columns' steps along their convex hulls the best one next, until the bits are spent. */
function plainCurve(costs: MatrixCosts, budget: BenefitBudget): { bits: number; error: number }[] {
  const columns = costs.energies.length;
  const steps: { bits: number; saved: number }[] = [];
  let bits = 0;
  let error = 0;
  for (let column = 0; column < columns; column++) {
    const choices = choicesOf(costs, budget, column);
    let at = 0;
    bits += choices[0]?.bits ?? NaN;
    error += choices[0]?.loss ?? NaN;
    for (;;) {
      const from = choices[at] ?? { bits: NaN, loss: NaN };
      const gains = choices.map(({ bits: to, loss }, choice) =>
        choice > at ? (from.loss - loss) / (to - from.bits) : -Infinity,
      );
      const best = gains.indexOf(Math.max(...gains));
      const choice = choices[best];
      if (choice === undefined || (gains[best] ?? 0) <= 0) break;
      steps.push({ bits: choice.bits - from.bits, saved: from.loss - choice.loss });
      at = best;
    }
  }
  steps.sort((a, b) => b.saved / b.bits - a.saved / a.bits);
  const reserving = budget.headShare + budget.restShare > 0;
  bits += mostClassBits(columns, choicesOf(costs, budget, 0).length, reserving);
  const points = [{ bits, error }];
  for (const step of steps) {
    bits += step.bits;
    error -= step.saved;
    points.push({ bits, error });
  }
  return points.map((point) => ({ bits: point.bits / (ROWS * columns), error: point.error }));
}

function between(points: readonly { bits: number; error: number }[], bits: number): number {
  const behind = points.findIndex((point) => point.bits >= bits - 1e-9);
  const [from, to] = [points[Math.max(0, behind - 1)], points[behind]];
  if (from === undefined || to === undefined) return points.at(-1)?.error ?? NaN;
  if (to.bits === from.bits) return to.error;
  return from.error + ((bits - from.bits) / (to.bits - from.bits)) * (to.error - from.error);
}

const anyBudget: fc.Arbitrary<BenefitBudget> = fc
  .record({
    low: fc.integer({ min: 1, max: 7 }),
    more: fc.integer({ min: 0, max: 3 }),
    headShare: fc.constantFrom(0, 0.01, 0.014, 0.05, 0.2),
    restShare: fc.constantFrom(0, 0.002, 0.004, 0.013),
  })
  .map(({ low, more, ...shares }) => ({ low, high: Math.min(8, low + more), ...shares }));

describe('a curve by benefit', () => {
  it('is what the best steps of all columns come to', () => {
    fc.assert(
      fc.property(anyBudget, fc.integer({ min: 1, max: 40 }), fc.nat(), (budget, columns, seed) => {
        const costs = costsOf(columns, seed);
        const plain = plainCurve(costs, budget);
        const { bits, errors } = curveOf(costs, budget);
        const [first, last] = [plain[0], plain.at(-1)];
        expect(bits[0]).toBeCloseTo(first?.bits ?? NaN, 4);
        expect(bits.at(-1)).toBeCloseTo(last?.bits ?? NaN, 4);
        const all = first?.error ?? NaN;
        for (const [point, each] of bits.entries()) {
          // Steps of nearly the same gain stand in any order: that is a small part of what they save.
          expect(Math.abs((errors[point] ?? NaN) - between(plain, each))).toBeLessThan(0.01 * all);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('falls, and ever more slowly', () => {
    const { bits, errors } = curveOf(costsOf(300, 5), PAPER);
    const drops = errors.slice(1).map((error, point) => (errors[point] ?? NaN) - error);
    for (const [point, drop] of drops.entries()) {
      expect(drop).toBeGreaterThanOrEqual(0);
      if (point > 0) expect(drop).toBeLessThanOrEqual((drops[point - 1] ?? NaN) * 1.02);
    }
    const steps = bits.slice(1).map((each, point) => each - (bits[point] ?? NaN));
    for (const step of steps) expect(step).toBeCloseTo(steps[0] ?? NaN, 4);
  });

  it('goes through what the plan by benefit loses', () => {
    const costs = costsOf(400, 11);
    const columns = costs.energies.length;
    for (const average of [2.1, 2.5, 3, 3.6]) {
      const budget = budgetOf(PAPER, average);
      const { widths, tailCounts } = candidates(ROWS, budget);
      const measured = Array.from({ length: columns }, (_, column) =>
        tailCounts.flatMap((tail) =>
          widths.map((width) => {
            const bits = columnBits(ROWS, width, 2 * tail);
            return choicesOf(costs, PAPER, column).find((choice) => choice.bits === bits)?.loss ?? NaN;
          }),
        ),
      ).flat();
      const errors = Float64Array.from(measured);
      const plan = planByBenefit(
        { widths, tailCounts, errors },
        new Float64Array(columns).fill(1),
        ROWS,
        budget,
      );
      const lost = [...plan.widths].reduce((sum, width, column) => {
        const choice =
          tailCounts.indexOf(plan.reservedLow[column] ?? NaN) * widths.length + widths.indexOf(width);
        return sum + (errors[column * tailCounts.length * widths.length + choice] ?? NaN);
      }, 0);
      const byOrder = planByOrder(
        Int32Array.from({ length: columns }, (_, column) => column),
        ROWS,
        budget,
      );
      const shape = { rows: ROWS, columns };
      const spent = (8 * totalBytes(packedBytes(shape, columnClasses(byOrder)))) / (ROWS * columns);
      const curve = curveOf(costs, PAPER);
      const points = curve.bits.map((bits, point) => ({ bits, error: curve.errors[point] ?? NaN }));
      expect(Math.abs(between(points, spent) / lost - 1)).toBeLessThan(0.02);
    }
  });

  it('is one point where there is nothing to choose, and leaves out columns of zeros', () => {
    const costs = { ...costsOf(2, 3), energies: Float64Array.of(0, 2) };
    const { bits, errors } = curveOf(costs, { low: 3, high: 3, headShare: 0, restShare: 0 });
    expect(new Set(bits).size).toBe(1);
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toBeCloseTo(2 * (costs.errors[ANALYSED_ERRORS + 2] ?? NaN), 6);
  });

  it('refuses widths the wrong way round', async () => {
    const curve = new Float32Array(NUMBERS_A_CURVE);
    expect(await thrownBy(() => benefitCurve(costsOf(2, 1), { ...PAPER, low: 5 }, curve))).toMatchObject({
      code: 'request/invalid',
    });
  });
});
