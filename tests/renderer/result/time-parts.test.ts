import { expect, it } from 'vitest';
import { timeParts } from '../../../renderer/result/time-parts.ts';

it('shows the largest part first, and what no part accounts for', () => {
  const parts = timeParts({ seconds: 20, timing: { forward: 4, hessian: 2, quantize: 9, evaluate: 0 } });
  expect(parts.map(({ label, seconds, share }) => [label, seconds, share])).toEqual([
    ['Columns', 9, 0.45],
    ['The rest', 5, 0.25],
    ['Forward pass', 4, 0.2],
    ['Hessians', 2, 0.1],
  ]);
});

it('has the original’s evaluation and the export among the parts, where they were measured', () => {
  const timing = { forward: 5, original: 2, export: 1, evaluate: 0 };
  expect(
    timeParts({ seconds: 10, timing }).map(({ label, meaning, seconds }) => [label, meaning, seconds]),
  ).toEqual([
    ['Forward pass', 'Calibration segments through the blocks', 5],
    ['Perplexity of the original', 'The evaluation windows through the model as it was', 2],
    ['The rest', 'Texts, reading and writing files', 2],
    ['Dense export', 'Written, read back, and compared', 1],
  ]);
  const [, older] = timeParts({ seconds: 10, timing: { forward: 8 } });
  expect(older?.meaning).toBe('Texts, the original model’s evaluation, reading and writing files');
});

it('shows a part that it has no word for by its name', () => {
  expect(timeParts({ seconds: 1, timing: { dreaming: 1 } })).toMatchObject([{ label: 'dreaming', share: 1 }]);
});

it('has no parts of no time', () => {
  expect(timeParts({ seconds: 0, timing: {} })).toEqual([]);
});
