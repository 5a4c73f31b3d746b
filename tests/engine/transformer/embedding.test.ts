import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { embedSegments, rowRanges } from '../../../main/engine/transformer/embedding.ts';
import { familyFolder } from '../../golden/families.ts';

describe('embedSegments', () => {
  it("puts each token's row of the table in its place", async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const table = await checkpoint.read('model.embed_tokens.weight');
    const segments = [Int32Array.of(5, 319, 5), Int32Array.of(0), Int32Array.of(100, 101)];
    const hidden = await embedSegments(checkpoint, segments);
    await checkpoint.close();
    expect(hidden.width).toBe(48);
    expect(hidden.segments).toBe(3);
    segments.forEach((ids, segment) => {
      const expected = [...ids].flatMap((id) => [...table.subarray(id * 48, (id + 1) * 48)]);
      expect([...hidden.values(segment)]).toEqual(expected);
    });
  });

  it('reads only rows near those that occur', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const reads: [number, number][] = [];
    const watched: Checkpoint = {
      ...checkpoint,
      model: checkpoint.model,
      readRows: (name, from, to) => {
        reads.push([from, to]);
        return checkpoint.readRows(name, from, to);
      },
    };
    await embedSegments(watched, [Int32Array.of(310, 7), Int32Array.of(9, 310)]);
    await checkpoint.close();
    expect(reads).toEqual([
      [7, 10],
      [310, 311],
    ]);
  });

  it.each([-1, 320])('refuses the id %i, which the table does not have', async (id) => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    await expect(embedSegments(checkpoint, [Int32Array.of(1), Int32Array.of(2, id)])).rejects.toMatchObject({
      code: 'tokenizer/does-not-fit',
      where: 'segment 1, token 1',
      expected: 'ids from 0 to 319',
      found: `id ${id}`,
    });
    await checkpoint.close();
  });
});

describe('rowRanges', () => {
  it('covers every id once, in order, in ranges no longer than asked for', () => {
    const ascending = fc
      .uniqueArray(fc.integer({ min: 0, max: 500 }))
      .map((ids) => ids.sort((a, b) => a - b));
    fc.assert(
      fc.property(ascending, fc.integer({ min: 1, max: 100 }), (ids, maxRows) => {
        const ranges = rowRanges(ids, maxRows);
        for (const [i, { from, to }] of ranges.entries()) {
          expect(to - from).toBeLessThanOrEqual(maxRows);
          expect(from).toBeGreaterThanOrEqual(ranges[i - 1]?.to ?? 0);
          expect(ids).toContain(from);
          expect(ids).toContain(to - 1);
        }
        expect(ids.filter((id) => !ranges.some(({ from, to }) => id >= from && id < to))).toEqual([]);
      }),
    );
  });

  it('joins ids that are at most 16 rows apart', () => {
    expect(rowRanges([3, 20, 38], 100)).toEqual([
      { from: 3, to: 21 },
      { from: 38, to: 39 },
    ]);
  });
});
