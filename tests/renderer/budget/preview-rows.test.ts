import { describe, expect, it } from 'vitest';
import { layersRows, memoryWords, widthsOfPreview } from '../../../renderer/budget/preview-rows.ts';
import { comparisonRows } from '../../../renderer/budget/comparison-rows.ts';
import { type BudgetPreview, previewBudget } from '../../../shared/budget-preview.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import { demoModel } from '../fake-library.ts';

const { description } = demoModel();
const preview = (choices: Parameters<typeof budgetChoicesSchema.parse>[0]): BudgetPreview =>
  previewBudget(description, 'F16', budgetChoicesSchema.parse(choices));

describe('bytes of each layer', () => {
  it('are a line where all layers are alike', () => {
    const same = preview({ budget: { bits: 3 } });
    expect(layersRows(same, 6)).toMatchObject([{ from: 0, to: 5, bytes: same.packedBytes }]);
  });

  it('are lines of their own where overrides part them', () => {
    const parted = preview({
      budget: { bits: 3 },
      overrides: [{ layers: '1,4-5', matrices: ['v'], budget: { bits: 4 } }],
    });
    const rows = layersRows(parted, 6);
    expect(rows.map(({ from, to }) => [from, to])).toEqual([
      [0, 0],
      [1, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(parted.packedBytes);
    expect(rows.map(({ matrices }) => matrices[2]?.budget.precision.average)).toEqual([3, 4, 3, 4]);
  });
});

it('widths count the columns of all layers', () => {
  const [q] = widthsOfPreview(preview({ budget: { bits: 2.5 } }));
  expect(q).toEqual({
    kind: 'q',
    rows: 192,
    columns: 1152,
    classes: [
      { width: 2, reserved: 0, columns: 864 },
      { width: 4, reserved: 0, columns: 288 },
    ],
  });
});

it('memory says what it is the sum of', () => {
  expect(memoryWords(preview({ budget: { bits: 4 } }))).toMatch(
    /^Counted: packed matrices 1\.\d\d MB \+ embeddings, norms and head 1\.58 MB \+ keys and values of 512 tokens 786 kB \+ one decoded matrix 197 kB\. Not counted: /,
  );
});

it('two budgets stand side by side', () => {
  const columnOrder = 'outlier';
  const [a, b] = [
    preview({ budget: { bits: 2 }, columnOrder }),
    preview({ budget: { bits: 2.12 }, columnOrder }),
  ];
  const rows = comparisonRows({ preview: a, loss: 200 }, { preview: b, loss: 150 });
  expect(rows.map(({ label }) => label)).toEqual([
    'Nominal bits',
    'Stored bits',
    'Packed matrices',
    'Reserved entries',
    'Predicted loss',
  ]);
  expect(rows[0]).toEqual({ label: 'Nominal bits', a: '2.000', b: '2.120', difference: '+6.00 %' });
  expect(rows[3]).toMatchObject({ a: '0', difference: `+${b.reserved.entries.toLocaleString('en')}` });
  expect(rows[4]).toEqual({ label: 'Predicted loss', a: '200', b: '150', difference: '−25.0 %' });
  expect(comparisonRows({ preview: a, loss: undefined }, { preview: a, loss: 1 })).toHaveLength(4);
  expect(comparisonRows({ preview: a, loss: 1 }, { preview: a, loss: 1 })[0]?.difference).toBe('');
});

it('by benefit nothing is said of reserved entries, and bytes are the most that there are', () => {
  const [a, b] = [preview({ budget: { bits: 2 } }), preview({ budget: { bits: 2.12 } })];
  const rows = comparisonRows({ preview: a, loss: 200 }, { preview: b, loss: 150 });
  expect(rows.map(({ label }) => label)).toEqual([
    'Nominal bits',
    'Stored bits, at most',
    'Packed matrices, at most',
    'Predicted loss',
  ]);
});
