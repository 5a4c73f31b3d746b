import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BitReader, BitWriter } from '../../../main/engine/result/bit-stream.ts';

it('packs the lowest bit first', () => {
  const writer = new BitWriter(20);
  writer.write(0b101, 3);
  writer.write(0b11, 2);
  writer.writeUnary(2);
  writer.write(0x123, 10);
  expect(writer.bits).toBe(18);
  // 101, 11, 00 1, then 1 0010 0011: from the right, byte by byte.
  expect([...writer.finish()]).toEqual([0b1001_1101, 0b0010_0011, 0b0000_0001]);
});

it('gives back numbers of 0 to 31 bits and unary runs in any order', () => {
  const number = fc
    .integer({ min: 0, max: 31 })
    .chain((width) =>
      fc.record({ width: fc.constant(width), value: fc.integer({ min: 0, max: 2 ** width - 1 }) }),
    );
  const unary = fc.record({ zeros: fc.integer({ min: 0, max: 40 }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(number, unary), { maxLength: 50 }), (entries) => {
      const bits = entries.reduce(
        (sum, entry) => sum + ('zeros' in entry ? entry.zeros + 1 : entry.width),
        0,
      );
      const writer = new BitWriter(bits);
      for (const entry of entries) {
        if ('zeros' in entry) writer.writeUnary(entry.zeros);
        else writer.write(entry.value, entry.width);
      }
      expect(writer.bits).toBe(bits);
      const bytes = writer.finish();
      expect(bytes).toHaveLength(Math.ceil(bits / 8));
      const reader = new BitReader(bytes);
      for (const entry of entries) {
        if ('zeros' in entry) expect(reader.readUnary()).toBe(entry.zeros);
        else expect(reader.read(entry.width)).toBe(entry.value);
      }
      expect(reader.bit).toBe(bits);
    }),
  );
});

it('packs many of one width as one by one, from any bit on', () => {
  const many = fc.integer({ min: 1, max: 8 }).chain((width) =>
    fc.record({
      width: fc.constant(width),
      before: fc.integer({ min: 0, max: 9 }),
      values: fc.uint8Array({ max: 2 ** width - 1, maxLength: 60 }),
    }),
  );
  fc.assert(
    fc.property(many, ({ width, before, values }) => {
      const bits = before + values.length * width + 3;
      const [one, all] = [new BitWriter(bits), new BitWriter(bits)];
      for (const writer of [one, all]) writer.write(2 ** before - 1, before);
      for (const value of values) one.write(value, width);
      all.writeAll(values, width);
      for (const writer of [one, all]) writer.write(0b101, 3);
      expect(all.bits).toBe(bits);
      expect(all.finish()).toEqual(one.finish());
      const reader = new BitReader(all.finish());
      reader.read(before);
      const found = new Uint8Array(values.length);
      reader.readAll(found, width);
      expect(found).toEqual(values);
      expect(reader.read(3)).toBe(0b101);
    }),
  );
  expect(() => new BitReader(Uint8Array.of(1, 2)).readAll(new Uint8Array(6), 3)).toThrow(RangeError);
});

it('leaves stretches that are passed over at zero', () => {
  const writer = new BitWriter(24);
  writer.write(1, 1);
  writer.skipTo(20);
  writer.write(0b11, 2);
  expect([...writer.finish()]).toEqual([1, 0, 0b0011_0000]);
  const reader = new BitReader(writer.finish());
  reader.skipTo(20);
  expect(reader.read(2)).toBe(0b11);
});

it('refuses to read past the end', () => {
  const reader = new BitReader(Uint8Array.of(0, 0));
  expect(reader.read(12)).toBe(0);
  expect(() => reader.read(5)).toThrow(RangeError);
  expect(() => new BitReader(Uint8Array.of(0, 0)).readUnary()).toThrow(RangeError);
  expect(() => reader.read(32)).toThrow(RangeError);
});
