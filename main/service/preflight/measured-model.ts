/** A model of one block with weights from a table of random numbers, in memory: to measure on, not to quantize. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import {
  MATRIX_KINDS,
  type ModelDescription,
  TENSOR_NAMES,
  matrixName,
  matrixShape,
} from '../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../../engine/checkpoint/checkpoint.ts';

const HEAD_DIM = 64;
/** Like LLaMA's, in whole multiples of the kernels' blocks. */
const FFN_RATIO = 8 / 3;
const VOCABULARY = 4096;

export function measuredDescription(hiddenSize: number, contextLength: number): ModelDescription {
  const heads = hiddenSize / HEAD_DIM;
  return {
    family: 'llama',
    hiddenSize,
    ffnSize: Math.round((FFN_RATIO * hiddenSize) / HEAD_DIM) * HEAD_DIM,
    blocks: 1,
    heads,
    kvHeads: heads,
    headDim: HEAD_DIM,
    vocabSize: VOCABULARY,
    contextLength,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { type: 'none' },
    tiedEmbeddings: true,
    qkvBias: false,
    oBias: false,
    mlpBias: false,
    qkNorm: false,
    slidingWindow: undefined,
  };
}

/** A prime, so that no two columns of a matrix are alike. */
const TABLE_VALUES = 65_521;
const WEIGHT_SIZE = 0.02;

/** Sums of four uniform numbers, which are next to normal, as large as weights are. */
function weightTable(): Float32Array {
  const generator = xoroshiro128plus(1);
  const uniform = (): number => (generator.next() >>> 0) / 2 ** 32 - 0.5;
  return Float32Array.from(
    { length: TABLE_VALUES },
    () => WEIGHT_SIZE * Math.sqrt(3) * (uniform() + uniform() + uniform() + uniform()),
  );
}

/** Each tensor begins somewhere else in the table. */
export function measuredCheckpoint(model: ModelDescription): Checkpoint {
  const table = weightTable();
  const tensors = new Map<string, TensorEntry>();
  const add = (name: string, shape: readonly number[]): void => {
    tensors.set(name, { name, dtype: 'F32', shape, file: '' });
  };
  add(TENSOR_NAMES.embedding, [model.vocabSize, model.hiddenSize]);
  add(TENSOR_NAMES.finalNorm, [model.hiddenSize]);
  add(TENSOR_NAMES.inputNorm(0), [model.hiddenSize]);
  add(TENSOR_NAMES.ffnNorm(0), [model.hiddenSize]);
  for (const kind of MATRIX_KINDS) {
    const { rows, columns } = matrixShape(model, kind);
    add(`${matrixName(0, kind)}.weight`, [rows, columns]);
  }
  const places = new Map([...tensors.keys()].map((name, i) => [name, 7919 * i]));
  const values = (name: string, from: number, length: number): Float32Array => {
    const start = (places.get(name) ?? 0) + from;
    const taken = new Float32Array(length);
    for (let at = 0; at < length;) {
      const first = (start + at) % TABLE_VALUES;
      const part = table.subarray(first, first + length - at);
      taken.set(part, at);
      at += part.length;
    }
    return taken;
  };
  return {
    path: 'the measured model',
    folder: 'the measured model',
    model,
    companions: { names: [], read: () => Promise.resolve(undefined) },
    quantized: undefined,
    sourceFiles: [],
    tensors,
    extras: new Map(),
    shards: [],
    sharded: false,
    read: (name) => {
      const shape = tensors.get(name)?.shape ?? [];
      const length = shape.reduce((product, size) => product * size, 1);
      // Norms scale by one.
      return Promise.resolve(shape.length === 1 ? new Float32Array(length).fill(1) : values(name, 0, length));
    },
    readRows: (name, from, to) => {
      const columns = tensors.get(name)?.shape[1] ?? 0;
      return Promise.resolve(values(name, from * columns, (to - from) * columns));
    },
    readBytes: (name, from, to) => {
      const floats = values(name, from / 4, (to - from) / 4);
      return Promise.resolve(new Uint8Array(floats.buffer));
    },
    readInto: (name, target) => {
      target.set(new Uint8Array(values(name, 0, target.length / 4).buffer));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
}

/** Tokens of a segment: ids from the whole vocabulary. */
export function measuredSegment(length: number, seed: number): Int32Array {
  const generator = xoroshiro128plus(seed);
  return Int32Array.from({ length }, () => (generator.next() >>> 0) % VOCABULARY);
}
