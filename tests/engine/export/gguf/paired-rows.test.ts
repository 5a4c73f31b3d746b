import { describe, expect, it } from 'vitest';
import { pairedPieces } from '../../../../main/engine/export/gguf/paired-rows.ts';

/** Twelve rows whose bytes are their numbers, `step` at a time. */
async function* rows(columns: number, step: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < 12; from += step) {
    const to = Math.min(12, from + step);
    const bytes = Uint8Array.from(
      { length: (to - from) * columns },
      (_, i) => from + Math.floor(i / columns),
    );
    yield await Promise.resolve(bytes);
  }
}

async function moved(columns: number, step: number): Promise<number[]> {
  const values: number[] = [];
  for await (const piece of pairedPieces(rows(columns, step), 6, columns)) {
    expect(piece.length % (6 * columns)).toBe(0);
    values.push(...piece);
  }
  return values;
}

/** Two heads of six rows: each first half of a head with its second half. */
const PAIRED = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11];

describe('pairedPieces', () => {
  it.each([1, 4, 5, 6, 7, 12])('pairs the rows of heads that come %i at a time', async (step) => {
    expect(await moved(1, step)).toEqual(PAIRED);
  });

  it('moves rows whole', async () => {
    expect(await moved(3, 5)).toEqual(PAIRED.flatMap((row) => [row, row, row]));
  });
});
