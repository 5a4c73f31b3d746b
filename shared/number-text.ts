/**
 * Arrays of numbers as text, for messages that carry text alone: base64 of their bytes, little-endian, as every platform
 * that a browser or Node runs on has them in memory.
 */
import { z } from 'zod';
import { ClaqError } from './errors.ts';

/** Base64 of an array's bytes; the service writes it (main/service/number-text.ts). */
export const numberTextSchema = z.string().brand<'NumberText'>();
export type NumberText = z.infer<typeof numberTextSchema>;

export function float32Of(text: NumberText): Float32Array {
  return new Float32Array(bytesOf(text, Float32Array.BYTES_PER_ELEMENT));
}

export function uint8Of(text: NumberText): Uint8Array {
  return new Uint8Array(bytesOf(text, Uint8Array.BYTES_PER_ELEMENT));
}

export function uint16Of(text: NumberText): Uint16Array {
  return new Uint16Array(bytesOf(text, Uint16Array.BYTES_PER_ELEMENT));
}

export function uint32Of(text: NumberText): Uint32Array {
  return new Uint32Array(bytesOf(text, Uint32Array.BYTES_PER_ELEMENT));
}

/** Throws ClaqError program/fault where they are not whole elements. */
function bytesOf(text: NumberText, bytesPerElement: number): ArrayBuffer {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  if (bytes.length % bytesPerElement !== 0) {
    throw new ClaqError('program/fault', 'An array of numbers arrived broken', {
      expected: `a multiple of ${bytesPerElement} bytes`,
      found: `${bytes.length} bytes`,
    });
  }
  return bytes.buffer;
}
