/**
 * Decodes ggml's K types: blocks of 256 values with scales of their own for each 16 or 32 of them, themselves in units of a
 * half-precision d. Every step is rounded to float32 as the Python package gguf (quants.py) rounds it, so the values are the same
 * to the last bit.
 */
import { halvesOf } from './blocks-of-32.ts';

const VALUES = 256;
const GROUP = 32;

/** Where a block of 8 groups has its parts, in bytes: d, dmin and 12 bytes of scales come first. */
interface GroupsOf32 {
  readonly bytes: number;
  readonly codes: number;
  /** Fifth bits of the codes; undefined where they have four. */
  readonly fifths: number | undefined;
}

const Q4_K: GroupsOf32 = { bytes: 144, codes: 16, fifths: undefined };
const Q5_K: GroupsOf32 = { bytes: 176, codes: 48, fifths: 16 };

export function decodeQ4_K(bytes: Uint8Array, target: Float32Array): void {
  decodeGroupsOf32(bytes, target, Q4_K);
}

export function decodeQ5_K(bytes: Uint8Array, target: Float32Array): void {
  decodeGroupsOf32(bytes, target, Q5_K);
}

/**
 * (d scale) q - (dmin min) for groups of 32 codes, two of them in the halves of 32 bytes. Bit g of byte i of the fifth bits belongs
 * to code i of group g.
 */
function decodeGroupsOf32(bytes: Uint8Array, target: Float32Array, block: GroupsOf32): void {
  const halves = halvesOf(bytes);
  const { fifths } = block;
  for (let at = 0, out = 0; out < target.length; at += block.bytes, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    const dmin = halves[(at >> 1) + 1] ?? 0;
    for (let group = 0; group < 8; group += 2) {
      const low = Math.fround(d * scaleOf(bytes, at + 4, group));
      const lowMin = Math.fround(dmin * minOf(bytes, at + 4, group));
      const high = Math.fround(d * scaleOf(bytes, at + 4, group + 1));
      const highMin = Math.fround(dmin * minOf(bytes, at + 4, group + 1));
      const codes = at + block.codes + group * 16;
      const values = out + group * GROUP;
      for (let i = 0; i < GROUP; i++) {
        const code = bytes[codes + i] ?? 0;
        const fifth = fifths === undefined ? 0 : (bytes[at + fifths + i] ?? 0) >> group;
        target[values + i] = Math.fround(low * ((code & 15) | ((fifth & 1) << 4))) - lowMin;
        target[values + GROUP + i] = Math.fround(high * ((code >> 4) | ((fifth & 2) << 3))) - highMin;
      }
    }
  }
}

/**
 * 128 bytes of low bits, 64 bytes of high ones, 16 signed scales, d: (d scale) (q - 32) for groups of 16. Each half of the block,
 * 128 values in four runs of 32, has its low bits in 64 bytes (runs 0 and 1 in the low halves, 2 and 3 in the high ones) and its
 * high bits in 32 (a byte for value i of all four runs).
 */
export function decodeQ6_K(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, out = 0; out < target.length; at += 210, out += VALUES) {
    const d = halves[(at + 208) >> 1] ?? 0;
    for (let half = 0; half < 2; half++) {
      for (let part = 0; part < 2; part++) {
        // Values 16 part .. 16 part + 15 of each run, whose scales are two apart.
        const scales = at + 192 + half * 8 + part;
        const d0 = Math.fround(d * (signed[scales] ?? 0));
        const d1 = Math.fround(d * (signed[scales + 2] ?? 0));
        const d2 = Math.fround(d * (signed[scales + 4] ?? 0));
        const d3 = Math.fround(d * (signed[scales + 6] ?? 0));
        const low = at + half * 64 + part * 16;
        const high = at + 128 + half * 32 + part * 16;
        const values = out + half * 128 + part * 16;
        for (let i = 0; i < 16; i++) {
          const a = bytes[low + i] ?? 0;
          const b = bytes[low + 32 + i] ?? 0;
          const h = bytes[high + i] ?? 0;
          target[values + i] = d0 * (((a & 15) | ((h & 3) << 4)) - 32);
          target[values + 32 + i] = d1 * (((b & 15) | ((h & 12) << 2)) - 32);
          target[values + 64 + i] = d2 * (((a >> 4) | (h & 48)) - 32);
          target[values + 96 + i] = d3 * (((b >> 4) | ((h & 192) >> 2)) - 32);
        }
      }
    }
  }
}

/** The 6-bit scale of a group, from the 12 bytes that hold eight scales and eight minima. */
function scaleOf(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group] ?? 0) & 63;
  return ((bytes[at + group + 4] ?? 0) & 15) | (((bytes[at + group - 4] ?? 0) >> 2) & 48);
}

/** The 6-bit minimum of a group. */
function minOf(bytes: Uint8Array, at: number, group: number): number {
  if (group < 4) return (bytes[at + group + 4] ?? 0) & 63;
  return ((bytes[at + group + 4] ?? 0) >> 4) | (((bytes[at + group] ?? 0) >> 2) & 48);
}
