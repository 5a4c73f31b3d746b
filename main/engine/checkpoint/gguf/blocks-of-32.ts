/**
 * Decodes ggml's types with blocks of 32 values: a half-precision scale d (and a smallest value m), then the codes; of 4-bit
 * codes the first 16 values stand in the low halves of the bytes and the last 16 in the high ones, and the fifth bits apart.
 * Every step is rounded to float32 as the Python package gguf (quants.py) rounds it, so the values are the same to the last bit.
 */

const VALUES = 32;
const HALF = 16;

/** d, then 16 bytes: d (q - 8). */
export function decodeQ4_0(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  for (let at = 0, out = 0; out < target.length; at += 18, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    for (let i = 0; i < HALF; i++) {
      const code = bytes[at + 2 + i] ?? 0;
      target[out + i] = d * ((code & 15) - 8);
      target[out + HALF + i] = d * ((code >> 4) - 8);
    }
  }
}

/** d, m, then 16 bytes: d q + m. */
export function decodeQ4_1(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  for (let at = 0, out = 0; out < target.length; at += 20, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    const m = halves[(at >> 1) + 1] ?? 0;
    for (let i = 0; i < HALF; i++) {
      const code = bytes[at + 4 + i] ?? 0;
      target[out + i] = Math.fround(d * (code & 15)) + m;
      target[out + HALF + i] = Math.fround(d * (code >> 4)) + m;
    }
  }
}

/** d, a fifth bit for each value, then 16 bytes: d (q - 16). */
export function decodeQ5_0(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  for (let at = 0, out = 0; out < target.length; at += 22, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    const fifth = bitsAt(bytes, at + 2);
    for (let i = 0; i < HALF; i++) {
      const code = bytes[at + 6 + i] ?? 0;
      target[out + i] = d * (((code & 15) | (((fifth >>> i) & 1) << 4)) - 16);
      target[out + HALF + i] = d * (((code >> 4) | (((fifth >>> (i + HALF)) & 1) << 4)) - 16);
    }
  }
}

/** d, m, a fifth bit for each value, then 16 bytes: d q + m. */
export function decodeQ5_1(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  for (let at = 0, out = 0; out < target.length; at += 24, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    const m = halves[(at >> 1) + 1] ?? 0;
    const fifth = bitsAt(bytes, at + 4);
    for (let i = 0; i < HALF; i++) {
      const code = bytes[at + 8 + i] ?? 0;
      target[out + i] = Math.fround(d * ((code & 15) | (((fifth >>> i) & 1) << 4))) + m;
      target[out + HALF + i] = Math.fround(d * ((code >> 4) | (((fifth >>> (i + HALF)) & 1) << 4))) + m;
    }
  }
}

/** d, then 32 signed bytes: d q. */
export function decodeQ8_0(bytes: Uint8Array, target: Float32Array): void {
  const halves = halvesOf(bytes);
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, out = 0; out < target.length; at += 34, out += VALUES) {
    const d = halves[at >> 1] ?? 0;
    for (let i = 0; i < VALUES; i++) target[out + i] = d * (signed[at + 2 + i] ?? 0);
  }
}

/** The bytes as half-precision numbers. Every block has an even number of bytes, and `bytes` must begin at an even offset. */
export function halvesOf(bytes: Uint8Array): Float16Array {
  return new Float16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1);
}

function bitsAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}
