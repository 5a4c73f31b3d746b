import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type AllocationMatrix,
  bitsBesideColumns,
  bitsOfOptions,
  bytesOfCounts,
  columnAllocation,
  columnSize,
  countOptions,
  lossOf,
  packedPlanBytes,
} from '../../shared/allocation-matrix.ts';
import { columnBits, packedBytes, totalBytes } from '../../shared/bits.ts';

const OPTIONS = [
  { width: 2, reserved: 0 },
  { width: 3, reserved: 5 },
  { width: 8, reserved: 2 },
];
const MATRIX: AllocationMatrix = {
  shape: { rows: 100, columns: 4 },
  form: { scaledRows: true },
  options: OPTIONS,
  losses: Float32Array.of(1, 2, 3, 10, 20, 30, 100, 200, 300, 1000, 2000, 3000),
};

it('turns chosen options into widths, reserved entries, counts and a loss', () => {
  const chosen = Uint8Array.of(1, 0, 1, 2);
  expect(columnAllocation(MATRIX, chosen)).toEqual({
    widths: Uint8Array.of(3, 2, 3, 8),
    reserved: Int32Array.of(5, 0, 5, 2),
  });
  expect(countOptions(MATRIX, chosen)).toEqual(Int32Array.of(1, 2, 1));
  expect(lossOf(MATRIX, chosen)).toBe(2 + 10 + 200 + 3000);
});

it('counts the bytes of a plan as the packed form does', () => {
  const plan = columnAllocation(MATRIX, Uint8Array.of(1, 0, 1, 2));
  const classes = [
    { width: 2, reserved: 0, columns: 1 },
    { width: 3, reserved: 5, columns: 2 },
    { width: 8, reserved: 2, columns: 1 },
  ];
  const bytes = totalBytes(packedBytes(MATRIX.shape, classes, { scaledRows: true }));
  // Codes 1600 bits; codebooks 4 + 2 * 8 + 256 and 12 reserved entries in halves; positions 2 * 31 + 17 bits; three classes,
  // two bits a column; 100 scales.
  expect(bytes).toBe(200 + 2 * (276 + 12) + Math.ceil((2 * 31 + 17) / 8) + 25 + 200);
  expect(packedPlanBytes(MATRIX.shape, plan, { scaledRows: true })).toBe(bytes);
  expect(packedPlanBytes(MATRIX.shape, plan, {})).toBe(bytes - 200);
});

it('counts the same from counts, and at most what columns and the rest come to', () => {
  const chosen = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 70 });
  const forms = fc.record({ scaledRows: fc.boolean(), byteCodebooks: fc.boolean() });
  fc.assert(
    fc.property(chosen, fc.integer({ min: 1, max: 20_000 }), forms, (options, rows, form) => {
      const matrix = { ...MATRIX, shape: { rows, columns: options.length }, form };
      const each = Uint8Array.from(options);
      const counts = countOptions(matrix, each);
      const bytes = packedPlanBytes(matrix.shape, columnAllocation(matrix, each), form);
      expect(bytesOfCounts(matrix, counts)).toBe(bytes);
      const used = counts.filter((count) => count > 0).length;
      const bits = bitsOfOptions(matrix);
      const most =
        options.reduce((sum, option) => sum + (bits[option] ?? NaN), 0) + bitsBesideColumns(matrix, used);
      expect(8 * bytes).toBeLessThanOrEqual(most);
      expect(8 * bytes).toBeGreaterThanOrEqual(most - 14);
    }),
  );
});

it('sizes a column as columnBits does', () => {
  for (const form of [{}, { byteCodebooks: true }]) {
    for (const option of OPTIONS) {
      const { codeBits, positionBits, bytes } = columnSize({ ...MATRIX, form }, option);
      const { width, reserved } = option;
      expect(codeBits + positionBits + 8 * bytes).toBe(columnBits(100, width, reserved, form));
    }
  }
});
