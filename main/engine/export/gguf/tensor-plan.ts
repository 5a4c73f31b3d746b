/** Which tensors a GGUF file holds, of which type, and their values. */
import type { ModelDescription } from '../../../../shared/model.ts';
import { TENSOR_NAMES } from '../../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../../checkpoint/checkpoint.ts';
import { llama3Divisors } from '../../checkpoint/gguf/llama3-rope.ts';
import { ROPE_DIVISORS, ggufNames, pairedNames } from '../../checkpoint/gguf/tensor-names.ts';
import { elementCount } from '../../checkpoint/safetensors-dtype.ts';
import { architectureOf } from './architecture.ts';
import type { DescribedTensor, GgufTensorType } from './header.ts';
import { BLOCK_BYTES, BLOCK_VALUES } from './q8-blocks.ts';

export interface PlannedTensor extends DescribedTensor {
  /** The model's tensor that it holds; undefined for the divisors of Llama 3's rotary frequencies. */
  readonly entry: TensorEntry | undefined;
  /** Whether llama.cpp has its rows in the order of paired dimensions. */
  readonly paired: boolean;
}

/**
 * What stands outside the blocks first, then block by block. The embedding serves as the head where the two are tied.
 * @param type of the matrices; vectors are F32, as llama.cpp demands, and rows that no blocks of 32 fit into are F16
 * @throws ClaqError model/unsupported
 */
export function planTensors(
  { model, tensors }: Pick<Checkpoint, 'model' | 'tensors'>,
  type: GgufTensorType,
): PlannedTensor[] {
  const paired = architectureOf(model) === 'llama' ? pairedNames(model.blocks) : new Set<string>();
  const planned = [...ggufNames(model.blocks)].flatMap(([name, ggufName]): PlannedTensor[] => {
    const entry = tensors.get(name);
    if (entry === undefined || (name === TENSOR_NAMES.head && model.tiedEmbeddings)) return [];
    const { shape } = entry;
    return [{ ...described(ggufName, typeOf(shape, type), shape), entry, paired: paired.has(name) }];
  });
  if (model.ropeScaling.type === 'llama3') {
    planned.unshift({
      ...described(ROPE_DIVISORS, 'F32', [model.headDim / 2]),
      entry: undefined,
      paired: false,
    });
  }
  return planned;
}

/** Values of `rope_freqs.weight`; undefined where the model has no such scaling. */
export function ropeDivisors({
  headDim,
  ropeTheta,
  ropeScaling,
}: ModelDescription): Float32Array | undefined {
  return ropeScaling.type === 'llama3' ? llama3Divisors(ropeScaling, ropeTheta, headDim / 2) : undefined;
}

function typeOf(shape: readonly number[], type: GgufTensorType): GgufTensorType {
  if (shape.length === 1) return 'F32';
  const [, columns = 1] = shape;
  return type === 'Q8_0' && columns % BLOCK_VALUES !== 0 ? 'F16' : type;
}

function described(name: string, type: GgufTensorType, shape: readonly number[]): DescribedTensor {
  const values = elementCount(shape) ?? 0;
  switch (type) {
    case 'F32':
      return { name, type, shape, bytes: values * 4 };
    case 'F16':
      return { name, type, shape, bytes: values * 2 };
    case 'Q8_0':
      return { name, type, shape, bytes: (values / BLOCK_VALUES) * BLOCK_BYTES };
  }
}
