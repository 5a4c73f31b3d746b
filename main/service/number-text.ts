import { type NumberText, numberTextSchema } from '../../shared/number-text.ts';

/** The bytes of an array as text, for messages to a window; shared/number-text.ts reads them. */
export function numberText(values: Float32Array | Uint8Array | Uint16Array | Uint32Array): NumberText {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return numberTextSchema.parse(bytes.toString('base64'));
}
