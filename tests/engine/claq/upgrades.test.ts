import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Upgrades } from '../../../main/engine/claq/upgrades.ts';

/** Ascending bits of two to six options, what each column loses at each, and bits to spend. */
const cases = fc
  .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
  .map((steps) => steps.reduce((bits, step) => [...bits, (bits.at(-1) ?? 0) + step], [10]))
  .chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      // Eighths make equal gains likely.
      columns: fc.array(
        fc.array(
          fc.integer({ min: 0, max: 80 }).map((loss) => loss / 8),
          { minLength: bits.length, maxLength: bits.length },
        ),
        { minLength: 1, maxLength: 30 },
      ),
      part: fc.double({ min: 0, max: 1.1, noNaN: true }),
    }),
  );

interface Step {
  readonly column: number;
  readonly option: number;
  readonly bits: number;
  readonly gain: number;
}

/** One step after another, from where a column is to where it gains most a bit. */
function hull(column: number, bits: readonly number[], losses: readonly number[]): Step[] {
  const steps: Step[] = [];
  for (let at = 0; ;) {
    const further = bits.flatMap((each, option): Step[] => {
      const more = each - (bits[at] ?? NaN);
      const gain = ((losses[at] ?? NaN) - (losses[option] ?? NaN)) / more;
      return option > at && gain > 0 ? [{ column, option, bits: more, gain }] : [];
    });
    const [best] = further.toSorted((a, b) => b.gain - a.gain || a.option - b.option);
    if (best === undefined) return steps;
    steps.push(best);
    at = best.option;
  }
}

function plainly(bits: readonly number[], columns: readonly (readonly number[])[], left: number): number[] {
  const chosen = columns.map(() => 0);
  const stopped = new Set<number>();
  const steps = columns.flatMap((losses, column) => hull(column, bits, losses));
  let rest = left;
  for (const step of steps.toSorted(
    (a, b) => b.gain - a.gain || a.column - b.column || a.option - b.option,
  )) {
    if (stopped.has(step.column)) continue;
    if (step.bits > rest) stopped.add(step.column);
    else {
      chosen[step.column] = step.option;
      rest -= step.bits;
    }
  }
  return chosen;
}

it('spends bits on one step after another, the largest gain first', () => {
  fc.assert(
    fc.property(cases, ({ bits, columns, part }) => {
      const upgrades = new Upgrades(bits, columns.length);
      for (const losses of columns) upgrades.add(Float64Array.from(losses));
      const all = columns.length * ((bits.at(-1) ?? 0) - (bits[0] ?? 0));
      const left = Math.floor(all * part);
      expect([...upgrades.spend(left)]).toEqual(plainly(bits, columns, left));
    }),
    { numRuns: 300 },
  );
});

it('leaves every column as it is where nothing can be spent, or gained', () => {
  const upgrades = new Upgrades([10, 20], 2);
  upgrades.add(Float64Array.of(4, 1));
  upgrades.add(Float64Array.of(1, 1));
  expect([...upgrades.spend(9)]).toEqual([0, 0]);
  expect([...upgrades.spend(-5)]).toEqual([0, 0]);
  expect([...upgrades.spend(1000)]).toEqual([1, 0]);
});

it('takes no step between options of the same bits and losses, and none behind them that gains nothing', () => {
  const upgrades = new Upgrades([10, 12, 12, 14], 1);
  upgrades.add(Float64Array.of(4, 0, 0, 5));
  expect([...upgrades.spend(100)]).toEqual([1]);
});
