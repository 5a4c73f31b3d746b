import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNumber, steppedNumber } from '../../../renderer/components/read-number.ts';

describe('readNumber', () => {
  it.each([
    ['', { kind: 'empty' }],
    ['  ', { kind: 'empty' }],
    ['128', { kind: 'number', value: 128 }],
    ['1,024', { kind: 'number', value: 1024 }],
    ['1 024', { kind: 'number', value: 1024 }],
    ['.5', { kind: 'number', value: 0.5 }],
    ['5.', { kind: 'number', value: 5 }],
    ['1e3', { kind: 'number', value: 1000 }],
    ['1,5', { kind: 'wrong', why: 'not a number' }],
    ['0x10', { kind: 'wrong', why: 'not a number' }],
    ['12 MB', { kind: 'wrong', why: 'not a number' }],
    ['Infinity', { kind: 'wrong', why: 'not a number' }],
    ['1e999', { kind: 'wrong', why: 'too large' }],
  ])('reads %j', (text, read) => {
    expect(readNumber(text, {})).toEqual(read);
  });

  it('says what the limits are', () => {
    expect(readNumber('300', { min: 1, max: 256 })).toEqual({ kind: 'wrong', why: '1 to 256' });
    expect(readNumber('-1', { min: 0 })).toEqual({ kind: 'wrong', why: 'at least 0' });
    expect(readNumber('9', { max: 8 })).toEqual({ kind: 'wrong', why: 'at most 8' });
    expect(readNumber('2.5', { whole: true })).toEqual({ kind: 'wrong', why: 'a whole number, please' });
  });

  it('reads every number as it is written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(readNumber(String(value), {})).toEqual({ kind: 'number', value: Number(String(value)) });
      }),
    );
  });
});

describe('steppedNumber', () => {
  it('goes to the next multiple of the step, inside of the limits', () => {
    expect(steppedNumber(100, 64, 1, {})).toBe(128);
    expect(steppedNumber(128, 64, -1, {})).toBe(64);
    expect(steppedNumber(0.2, 0.1, 1, {})).toBe(0.3);
    expect(steppedNumber(250, 64, 1, { max: 256 })).toBe(256);
    expect(steppedNumber(1, 1, -1, { min: 1 })).toBe(1);
    expect(steppedNumber(null, 1, 1, { min: 1, max: 8 })).toBe(1);
  });
});
