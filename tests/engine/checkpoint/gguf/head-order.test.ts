import { describe, expect, it } from 'vitest';
import { pairedRow, unpairedRows } from '../../../../main/engine/checkpoint/gguf/head-order.ts';

describe('rows of q and k', () => {
  it('finds each row of a head where llama.cpp puts it: beside the one that it is rotated with', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((row) => pairedRow(row, 6))).toEqual([
      0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11,
    ]);
  });

  it('gives the rows asked for, of heads that stand behind others', () => {
    // The second and third head of four values; each row is its number in Hugging Face's order, twice.
    const paired = Uint8Array.of(4, 4, 6, 6, 5, 5, 7, 7, 8, 8, 10, 10, 9, 9, 11, 11);
    const rows = unpairedRows(paired, { first: 4, from: 5, to: 10 }, { headDim: 4, rowBytes: 2 });
    expect([...rows]).toEqual([5, 5, 6, 6, 7, 7, 8, 8, 9, 9]);
  });
});
