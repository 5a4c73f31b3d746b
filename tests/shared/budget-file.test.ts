import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBudgetFile, writeBudgetFile } from '../../shared/budget-file.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';
import { type BudgetRequest, budgetChoicesSchema } from '../../shared/requests.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';

const FILE = `# A budget of CLAQ: how many bits the columns of a model get.
#   claq quantize MODEL --budget THIS-FILE

claq-budget: 1
name: Careful with v
# AP: bits averaged over the columns.
ap: 2.05
# The two widths that AP mixes.
ap-widths: [2, 4]
# OR, as the paper counts it: 0.07 keeps 1 % of the entries.
or: 0.07
# Percent of the columns that are top columns.
or-columns: 20
# An outlier is at least so many times the mean |w| of its matrix.
outlier-s: 7
# What gets more: outlier, the head of the Outlier Order; benefit, where it helps most, for the same stored bits.
column-order: outlier
# Other budgets, each a whole one. Of several that match a matrix the last holds. Layers count from 0.
overrides:
  - layers: 0-3,7
    # Bits a weight: a whole width; a setting of the paper (2.12 is AP 2.05 with OR 0.07); or an average of AP.
    bits: 3
    # OR: percent of a column kept at each tail, in the top columns and in the rest.
    or-shares: [1.4, 0.4]
  - layers: "7"
    matrices: [v, o]
    bits: 4
`;

const BUDGET = {
  name: 'Careful with v',
  choices: {
    budget: { apAverage: 2.05, apWidths: [2, 4], orBits: 0.07, orColumns: 20 },
    overrides: [
      { layers: '0-3,7', budget: { bits: 3, orShares: [1.4, 0.4] } },
      { layers: '7', matrices: ['v', 'o'], budget: { bits: 4 } },
    ],
    outlierS: 7,
    columnOrder: 'outlier',
  },
};

/** What schema and contradictions let through. */
const anyBudget: fc.Arbitrary<BudgetRequest> = fc
  .record({
    average: fc.record(
      {
        bits: fc.double({ min: 1, max: 8, noNaN: true }),
        apWidths: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 5, max: 8 })),
      },
      { requiredKeys: ['bits'] },
    ),
    ap: fc.boolean(),
    reservation: fc.oneof(
      fc.constant({}),
      fc.record(
        { orBits: fc.double({ min: 0, max: 4, noNaN: true }), orColumns: fc.integer({ min: 0, max: 100 }) },
        { requiredKeys: ['orBits'] },
      ),
      fc.record({
        orShares: fc.tuple(
          fc.double({ min: 0, max: 25, noNaN: true }),
          fc.double({ min: 0, max: 25, noNaN: true }),
        ),
      }),
    ),
  })
  .map(({ average: { bits, apWidths }, ap, reservation }) => {
    if (!ap) return { bits, ...(apWidths && { apWidths }), ...reservation };
    const [low, high] = apWidths ?? [1, 8];
    const apAverage = Math.min(high, Math.max(low, bits));
    return { apAverage, ...(apWidths && { apWidths }), ...reservation };
  });

const anyRange = fc
  .tuple(fc.integer({ min: 0, max: 99_999 }), fc.option(fc.integer({ min: 0, max: 99_999 })))
  .map(([from, to]) => (to === null ? String(from) : `${from}-${to}`));

const anyFile = fc.record({
  name: fc.option(
    fc
      .string({ unit: 'grapheme', maxLength: 60 })
      .map((name) => name.trim())
      .filter((name) => name !== '' && name.length <= 100),
    { nil: undefined },
  ),
  choices: fc.record(
    {
      budget: anyBudget,
      overrides: fc.array(
        fc.record(
          {
            layers: fc.array(anyRange, { minLength: 1, maxLength: 8 }).map((ranges) => ranges.join(',')),
            matrices: fc.subarray([...MATRIX_KINDS], { minLength: 1 }),
            budget: anyBudget,
          },
          { requiredKeys: ['budget'] },
        ),
        { maxLength: 64 },
      ),
      outlierS: fc.double({ min: 0, minExcluded: true, max: 1000, noNaN: true }),
      columnOrder: fc.constantFrom('outlier' as const, 'benefit' as const),
    },
    { requiredKeys: ['budget', 'overrides', 'outlierS'] },
  ),
});

describe('a budget file', () => {
  it('is written in words that say what the numbers are', () => {
    expect(writeBudgetFile({ name: BUDGET.name, choices: budgetChoicesSchema.parse(BUDGET.choices) })).toBe(
      FILE,
    );
  });

  it('is read again', () => {
    expect(readBudgetFile(FILE)).toEqual(BUDGET);
  });

  it('gives any budget again that was written', () => {
    fc.assert(
      fc.property(anyFile, (file) => {
        expect(readBudgetFile(writeBudgetFile(file))).toEqual(file);
      }),
      // Files of dozens of overrides take milliseconds each.
      { numRuns: 40 },
    );
  });

  it('may be JSON, and a single layer a number', () => {
    const text = JSON.stringify({ 'claq-budget': 1, bits: 2.12, overrides: [{ layers: 7, bits: 4 }] });
    expect(readBudgetFile(text)).toEqual({
      name: undefined,
      choices: {
        budget: { bits: 2.12 },
        overrides: [{ layers: '7', budget: { bits: 4 } }],
        outlierS: 13,
      },
    });
  });

  const bomb = `claq-budget: 1\na: &a [x, x]\nb: &b [*a, *a]\nname: *b`;
  it.each([
    ['nothing', '', 'mine.yaml', 'Invalid input: expected object, received null', 'null'],
    [
      'another file',
      'model_type: llama',
      'mine.yaml, claq-budget',
      'claq-budget: 1, which says what the file is',
      undefined,
    ],
    [
      'a later version',
      'claq-budget: 2\nbits: 3',
      'mine.yaml, line 1, claq-budget',
      'claq-budget: 1, which says what the file is',
      '2',
    ],
    [
      'a value out of range',
      'claq-budget: 1\n\nbits: 9',
      'mine.yaml, line 3, bits',
      'Too big: expected number to be <=8',
      '9',
    ],
    [
      'a value in a list',
      'claq-budget: 1\nap-widths: [2, 12]\nbits: 3',
      'mine.yaml, line 2, ap-widths',
      'Too big: expected number to be <=8',
      '12',
    ],
    [
      'an unknown key',
      'claq-budget: 1\nbits: 3\noverride: []',
      'mine.yaml, line 3',
      'the keys of a budget, which are those of the command’s options',
      '"override"',
    ],
    [
      'an unknown key of an override',
      'claq-budget: 1\noverrides:\n  - bits: 3\n  - layers: 1-2\n    bit: 3',
      'mine.yaml, line 5, override 2',
      'the keys of a budget, which are those of the command’s options',
      '"bit"',
    ],
    [
      'a value of an override',
      'claq-budget: 1\noverrides:\n  - bits: 3\n  - layers: 1-2\n    or: 9',
      'mine.yaml, line 5, or of override 2',
      'Too big: expected number to be <=4',
      '9',
    ],
    [
      'layers of another form',
      'claq-budget: 1\noverrides: [{ layers: first, bits: 3 }]',
      'mine.yaml, line 2, layers of override 1',
      'layers have the form 0-3,7',
      '"first"',
    ],
    [
      'an override without a budget',
      'claq-budget: 1\noverrides:\n  - matrices: [v]',
      'mine.yaml, line 3, override 1',
      'says nothing: give bits, or AP and OR',
      undefined,
    ],
    [
      'bits that are given twice',
      'claq-budget: 1\nbits: 2\nap: 2.1',
      'mine.yaml, line 3, ap',
      'is set by bits already: give one of the two',
      undefined,
    ],
    [
      'a key twice',
      'claq-budget: 1\nbits: 2\nbits: 3',
      'mine.yaml, line 3',
      undefined,
      'Map keys must be unique',
    ],
    ['an alias', bomb, 'mine.yaml, line 3', 'no aliases', '*a'],
    [
      'what is no YAML',
      'claq-budget: 1\nbits: [2',
      'mine.yaml, line 2',
      undefined,
      'Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [
      'a tag',
      'claq-budget: 1\nbits: !!js/function 3',
      'mine.yaml, line 2',
      undefined,
      expect.stringContaining('tag'),
    ],
    ['what nests too deep', '['.repeat(20_000), 'mine.yaml, line 1', undefined, expect.any(String)],
    [
      'what is too long',
      ' '.repeat(2 ** 20 + 1),
      'mine.yaml',
      'at most 1048576 characters',
      '1048577 characters',
    ],
  ])('refuses %s, and says where', async (_, text, where, expected, found) => {
    const error = await thrownBy(() => readBudgetFile(text, 'mine.yaml'));
    expect(error).toMatchObject({ code: 'budget/malformed', where });
    expect([error.expected, error.found]).toEqual([expected, found]);
  });
});
