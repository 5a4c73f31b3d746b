import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  float16Blob,
  float32Blob,
  int32Blob,
  toBlob,
  uint16Blob,
  uint32Blob,
} from '../../../main/service/store/number-blobs.ts';

it('writes the lowest byte first', () => {
  expect([...toBlob(Uint32Array.of(1, 0x0a0b0c0d))]).toEqual([1, 0, 0, 0, 0x0d, 0x0c, 0x0b, 0x0a]);
  expect([...toBlob(Int32Array.of(-2))]).toEqual([0xfe, 0xff, 0xff, 0xff]);
  expect([...toBlob(Float32Array.of(1))]).toEqual([0, 0, 0x80, 0x3f]);
  expect([...toBlob(Uint16Array.of(0x0a0b))]).toEqual([0x0b, 0x0a]);
  expect([...toBlob(Float16Array.of(1, -2))]).toEqual([0, 0x3c, 0, 0xc0]);
});

it('gives back any numbers, wherever they and their bytes begin', () => {
  fc.assert(
    fc.property(
      fc.float32Array({ maxLength: 50 }),
      fc.uint32Array({ maxLength: 50 }),
      fc.int32Array({ maxLength: 50 }),
      fc.uint16Array({ maxLength: 50 }),
      fc.nat({ max: 7 }),
      (floats, naturals, integers, shorts, offset) => {
        const halves = Float16Array.from(floats);
        expect(float16Blob.parse(movedBy(offset, toBlob(halves)))).toEqual(halves);
        expect(uint16Blob.parse(movedBy(offset, toBlob(shorts)))).toEqual(shorts);
        expect(float32Blob.parse(movedBy(offset, toBlob(floats)))).toEqual(floats);
        expect(uint32Blob.parse(movedBy(offset, toBlob(naturals)))).toEqual(naturals);
        expect(int32Blob.parse(movedBy(offset, toBlob(integers.subarray(1))))).toEqual(integers.slice(1));
      },
    ),
  );
});

it('refuses bytes that are no whole number of values', () => {
  const error = float32Blob.safeParse(new Uint8Array(6)).error;
  expect(error?.issues[0]?.message).toBe('6 bytes are no whole number of values');
  expect(float32Blob.safeParse('text').success).toBe(false);
});

/** The same bytes in a larger buffer. */
function movedBy(offset: number, bytes: Uint8Array): Uint8Array {
  const moved = new Uint8Array(bytes.length + offset).subarray(offset);
  moved.set(bytes);
  return moved;
}
