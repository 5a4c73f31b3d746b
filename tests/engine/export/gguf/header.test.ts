import { describe, expect, it } from 'vitest';
import { encodeHeader, paddingAfter } from '../../../../main/engine/export/gguf/header.ts';
import type { DescribedTensor, GgufValue } from '../../../../main/engine/export/gguf/header.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Little-endian. */
const u32 = (value: number): string => hex(new Uint8Array(new Uint32Array([value]).buffer));
const u64 = (value: number): string => hex(new Uint8Array(new BigUint64Array([BigInt(value)]).buffer));
const text = (value: string): string => u64(Buffer.byteLength(value)) + hex(Buffer.from(value));

/** Magic, version 3, numbers of tensors and entries. */
const start = (tensors: number, entries: number): string =>
  hex(Buffer.from('GGUF')) + u32(3) + u64(tensors) + u64(entries);

/** Zeros up to the next multiple of 32 bytes. */
const padded = (digits: string): string => digits.padEnd(Math.ceil(digits.length / 64) * 64, '0');

describe('encodeHeader', () => {
  it.each<[string, GgufValue, string]>([
    ['u32', { type: 'u32', value: 7 }, u32(4) + u32(7)],
    ['f32', { type: 'f32', value: 1.5 }, `${u32(6)}0000c03f`],
    ['bool', { type: 'bool', value: true }, `${u32(7)}01`],
    ['string', { type: 'string', value: 'Ġ▁' }, u32(8) + text('Ġ▁')],
    ['strings', { type: 'strings', value: ['a', ''] }, u32(9) + u32(8) + u64(2) + text('a') + text('')],
    ['i32s', { type: 'i32s', value: Int32Array.of(-1, 6) }, `${u32(9) + u32(5) + u64(2)}ffffffff06000000`],
    ['f32s', { type: 'f32s', value: Float32Array.of(-2) }, `${u32(9) + u32(6) + u64(1)}000000c0`],
  ])('writes a %s', (_name, value, expected) => {
    const header = encodeHeader(new Map([['a.key', value]]), []);
    expect(hex(header)).toBe(padded(start(0, 1) + text('a.key') + expected));
  });

  it('describes tensors with reversed dimensions, at aligned offsets', () => {
    const tensors: DescribedTensor[] = [
      { name: 'v', type: 'F32', shape: [3], bytes: 12 },
      { name: 'm', type: 'Q8_0', shape: [2, 64], bytes: 136 },
      { name: 'h', type: 'F16', shape: [1, 5], bytes: 10 },
    ];
    const expected = [
      start(3, 0),
      text('v') + u32(1) + u64(3) + u32(0) + u64(0),
      text('m') + u32(2) + u64(64) + u64(2) + u32(8) + u64(32),
      text('h') + u32(2) + u64(5) + u64(1) + u32(1) + u64(192),
    ];
    expect(hex(encodeHeader(new Map(), tensors))).toBe(padded(expected.join('')));
  });

  it('grows with a vocabulary of several MB', () => {
    const value = Array.from({ length: 100_000 }, (_, id) => `token number ${id} 日本`);
    const header = encodeHeader(new Map([['tokens', { type: 'strings', value }]]), []);
    const bytes = value.reduce((sum, token) => sum + 8 + Buffer.byteLength(token), 24 + 8 + 6 + 4 + 4 + 8);
    expect(header.length).toBe(bytes + paddingAfter(bytes));
    expect(Buffer.from(header).includes('token number 99999 日本')).toBe(true);
  });

  it('refuses a name that the format has no room for', () => {
    const tensors: DescribedTensor[] = [{ name: 'n'.repeat(65), type: 'F32', shape: [1], bytes: 4 }];
    expect(() => encodeHeader(new Map(), tensors)).toThrow(RangeError);
  });
});
