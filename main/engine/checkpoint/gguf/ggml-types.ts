/** The types of ggml that weights are read from: how many bytes hold how many values, and how these are decoded. */
import { GGMLQuantizationType } from '@huggingface/gguf';
import { ClaqError } from '../../../../shared/errors.ts';
import { decodeFloats } from '../half-precision.ts';
import type { FloatDtype } from '../safetensors-dtype.ts';
import { decodeQ4_0, decodeQ4_1, decodeQ5_0, decodeQ5_1, decodeQ8_0 } from './blocks-of-32.ts';
import { decodeQ4_K, decodeQ5_K, decodeQ6_K } from './blocks-of-256.ts';

export interface GgmlType {
  /** As ggml names it: `Q4_K`. */
  readonly name: string;
  /** Undefined for codes, which are read as float32. */
  readonly dtype: FloatDtype | undefined;
  /** Values that stand together, along a row. */
  readonly blockValues: number;
  readonly blockBytes: number;
  /** Decodes whole blocks; `target` has room for exactly their values. */
  decode(bytes: Uint8Array, target: Float32Array): void;
}

function floats(dtype: FloatDtype, blockBytes: number): GgmlType {
  const decode = (bytes: Uint8Array, target: Float32Array): void => {
    decodeFloats(dtype, bytes, target);
  };
  return { name: dtype, dtype, blockValues: 1, blockBytes, decode };
}

function codes(name: string, blockValues: number, blockBytes: number, decode: GgmlType['decode']): GgmlType {
  return { name, dtype: undefined, blockValues, blockBytes, decode };
}

const TYPES: ReadonlyMap<number, GgmlType> = new Map([
  [GGMLQuantizationType.F32, floats('F32', 4)],
  [GGMLQuantizationType.F16, floats('F16', 2)],
  [GGMLQuantizationType.BF16, floats('BF16', 2)],
  [GGMLQuantizationType.Q4_0, codes('Q4_0', 32, 18, decodeQ4_0)],
  [GGMLQuantizationType.Q4_1, codes('Q4_1', 32, 20, decodeQ4_1)],
  [GGMLQuantizationType.Q5_0, codes('Q5_0', 32, 22, decodeQ5_0)],
  [GGMLQuantizationType.Q5_1, codes('Q5_1', 32, 24, decodeQ5_1)],
  [GGMLQuantizationType.Q8_0, codes('Q8_0', 32, 34, decodeQ8_0)],
  [GGMLQuantizationType.Q4_K, codes('Q4_K', 256, 144, decodeQ4_K)],
  [GGMLQuantizationType.Q5_K, codes('Q5_K', 256, 176, decodeQ5_K)],
  [GGMLQuantizationType.Q6_K, codes('Q6_K', 256, 210, decodeQ6_K)],
]);

/** Throws ClaqError weights/unsupported-dtype, with the type's name, where it is not read. */
export function ggmlType(type: number, tensor: string, file: string): GgmlType {
  const known = TYPES.get(type);
  if (known !== undefined) return known;
  const name: string | undefined = GGMLQuantizationType[type];
  throw new ClaqError(
    'weights/unsupported-dtype',
    'The GGUF file holds a tensor of a type that is not read',
    {
      where: `${file}, tensor ${tensor}`,
      expected: [...TYPES.values()].map((supported) => supported.name).join(', '),
      found: name ?? `type ${type}`,
      remedy: 'open the original model, or a GGUF of it in F16 or Q8_0, which lose less as well',
    },
  );
}
