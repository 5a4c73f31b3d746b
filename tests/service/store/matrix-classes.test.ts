import fc from 'fast-check';
import { expect, it } from 'vitest';
import { classesBlob, classesToBlob } from '../../../main/service/store/matrix-classes.ts';

const number = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const classes = fc.array(
  fc.record({ width: number, reserved: number, columns: number }, { noNullPrototype: true }),
  {
    maxLength: 20,
  },
);

it('writes three numbers of 32 bits a class', () => {
  expect([...classesToBlob([{ width: 4, reserved: 258, columns: 1 }])]).toEqual([
    4, 0, 0, 0, 2, 1, 0, 0, 1, 0, 0, 0,
  ]);
});

it('gives back any classes in their order', () => {
  fc.assert(
    fc.property(classes, (some) => {
      expect(classesBlob.parse(classesToBlob(some))).toEqual(some);
    }),
  );
});

it('refuses what is not classes', () => {
  expect(classesBlob.safeParse(new Uint8Array(16)).error?.issues[0]?.message).toBe(
    '4 numbers are no whole number of classes',
  );
  expect(classesBlob.safeParse(new Uint8Array(13)).success).toBe(false);
});

it('refuses to write numbers that do not fit', () => {
  expect(() => classesToBlob([{ width: 4, reserved: 0, columns: 2 ** 31 }])).toThrow(RangeError);
  expect(() => classesToBlob([{ width: 4.5, reserved: 0, columns: 1 }])).toThrow(RangeError);
});
