import fc from 'fast-check';
import { expect, it } from 'vitest';
import { positionBits } from '../../../shared/bits.ts';
import { BitReader, BitWriter } from '../../../main/engine/result/bit-stream.ts';
import { readPositions, writePositions } from '../../../main/engine/result/elias-fano.ts';

const columns = fc.integer({ min: 1, max: 5000 }).chain((rows) =>
  fc.record({
    rows: fc.constant(rows),
    positions: fc
      .uniqueArray(fc.integer({ min: 0, max: rows - 1 }), { maxLength: 300 })
      .map((positions) => Int32Array.from(positions).sort()),
  }),
);

it('writes low bits, then the high parts as unary steps', () => {
  const writer = new BitWriter(positionBits(5, 2));
  writePositions(writer, Int32Array.of(1, 4), 5);
  // One low bit each: 1 and 0. High parts 0 and 2: a one, then two zeros and a one.
  expect([...writer.finish()]).toEqual([0b10_0101]);
});

it('gives back any ascending positions, in exactly the bits foretold', () => {
  fc.assert(
    fc.property(fc.array(columns, { minLength: 1, maxLength: 4 }), (list) => {
      const bits = list.map(({ rows, positions }) => positionBits(rows, positions.length));
      const writer = new BitWriter(bits.reduce((sum, count) => sum + count, 0));
      let end = 0;
      for (const [i, { rows, positions }] of list.entries()) {
        writePositions(writer, positions, rows);
        end += bits[i] ?? NaN;
        expect(writer.bits).toBe(end);
      }
      const reader = new BitReader(writer.finish());
      for (const { rows, positions } of list) {
        expect(readPositions(reader, positions.length, rows)).toEqual(positions);
      }
      expect(reader.bit).toBe(end);
    }),
  );
});

it('never runs past its stretch: the last position of a full and of a sparse column', () => {
  for (const rows of [1, 2, 3, 8, 9, 4096, 4097]) {
    for (const count of new Set([1, Math.ceil(rows / 2), rows])) {
      const positions = Int32Array.from({ length: count }, (_, i) => rows - count + i);
      const writer = new BitWriter(positionBits(rows, count));
      writePositions(writer, positions, rows);
      expect(writer.finish()).toHaveLength(Math.ceil(positionBits(rows, count) / 8));
      expect(readPositions(new BitReader(writer.finish()), count, rows)).toEqual(positions);
    }
  }
});

it.each([
  ['the same position twice', 4, 2, [0b00_1100]], // low bits 0 0, high parts 0 0
  ['falling positions', 4, 2, [0b00_1101]], // 1, then 0
  ['a position behind the last row', 5, 2, [0b10_1101, 0b1]], // 1, then 2 x 2 + 1... of 5 rows
  ['ones that never come', 5, 2, [0]],
  ['no bits at all', 5, 1, []],
])('refuses %s', (_, rows, count, bytes) => {
  expect(() => readPositions(new BitReader(Uint8Array.from(bytes)), count, rows)).toThrow(RangeError);
});

it('reads anything as ascending positions or refuses it', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      (bytes, rows, wanted) => {
        const count = Math.min(wanted, rows);
        let positions: Int32Array;
        try {
          positions = readPositions(new BitReader(bytes), count, rows);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(positions).toEqual(Int32Array.from(new Set(positions)).sort());
        expect(positions).toHaveLength(count);
        expect(Math.max(-1, ...positions)).toBeLessThan(rows);
      },
    ),
  );
});
