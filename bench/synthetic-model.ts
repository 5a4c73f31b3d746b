/** A model folder with weights from a seed: the shape of a large model in a few blocks, for runs that need no download. */
import { copyFile, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeFloats } from '../main/engine/checkpoint/half-precision.ts';
import {
  encodeHeader,
  type TensorToWrite,
  writeSafetensors,
} from '../main/engine/checkpoint/safetensors-writer.ts';
import {
  MATRIX_KINDS,
  type ModelDescription,
  TENSOR_NAMES,
  matrixName,
  matrixShape,
} from '../shared/model.ts';
import { type LlamaShape, llamaOf } from '../tests/known-models.ts';
import { syntheticWeights } from './synthetic-matrix.ts';

const F16_BYTES = 2;

/** LLaMA without extras; the output head is the embedding table. */
export function syntheticDescription(shape: LlamaShape): ModelDescription {
  return { ...llamaOf(shape), tiedEmbeddings: true };
}

/**
 * Writes a Hugging Face folder with heavy-tailed F16 weights.
 * @param tokenizerFolder whose tokenizer it gets; the vocabulary must be large enough for it
 */
export async function writeSyntheticModel(
  folder: string,
  shape: LlamaShape,
  tokenizerFolder: string,
  seed = 1,
): Promise<void> {
  const model = syntheticDescription(shape);
  await mkdir(folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(tokenizerFolder, file), join(folder, file));
  await writeFile(join(folder, 'config.json'), JSON.stringify(configOf(model), undefined, 2));
  await writeSafetensors(join(folder, 'model.safetensors'), tensorsOf(model, seed));
}

/**
 * Writes a Hugging Face folder of which one matrix has weights: the others are zeros that take no room on the disk. For what
 * looks at matrices one by one; it has no tokenizer.
 * @param name of the matrix, without `.weight`
 */
export async function writeHollowModel(folder: string, shape: LlamaShape, name: string): Promise<void> {
  const model = syntheticDescription(shape);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(configOf(model), undefined, 2));
  const tensors = tensorsOf(model, 1);
  const header = encodeHeader(tensors, new Map());
  const file = await open(join(folder, 'model.safetensors'), 'w');
  try {
    await file.write(header);
    let end = header.length;
    for (const each of tensors) {
      const start = end;
      end += F16_BYTES * each.shape.reduce((product, length) => product * length, 1);
      if (each.name !== `${name}.weight`) continue;
      let at = start;
      for await (const piece of each.pieces()) {
        await file.write(piece, 0, piece.length, at);
        at += piece.length;
      }
    }
    await file.truncate(end);
  } finally {
    await file.close();
  }
}

function configOf(model: ModelDescription): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: model.vocabSize,
    hidden_size: model.hiddenSize,
    intermediate_size: model.ffnSize,
    num_hidden_layers: model.blocks,
    num_attention_heads: model.heads,
    num_key_value_heads: model.kvHeads,
    max_position_embeddings: model.contextLength,
    rms_norm_eps: model.rmsNormEpsilon,
    rope_theta: model.ropeTheta,
    hidden_act: 'silu',
    tie_word_embeddings: model.tiedEmbeddings,
    torch_dtype: 'float16',
  };
}

function tensorsOf(model: ModelDescription, seed: number): TensorToWrite[] {
  const { hiddenSize, vocabSize } = model;
  const norm = (name: string): TensorToWrite =>
    tensor(name, [hiddenSize], () => new Float32Array(hiddenSize).fill(1));
  const matrix = (name: string, rows: number, columns: number, own: number): TensorToWrite =>
    tensor(name, [rows, columns], () => syntheticWeights(rows, columns, own));
  const tensors = [matrix(TENSOR_NAMES.embedding, vocabSize, hiddenSize, seed), norm(TENSOR_NAMES.finalNorm)];
  for (let block = 0; block < model.blocks; block++) {
    tensors.push(norm(TENSOR_NAMES.inputNorm(block)), norm(TENSOR_NAMES.ffnNorm(block)));
    for (const [index, kind] of MATRIX_KINDS.entries()) {
      const { rows, columns } = matrixShape(model, kind);
      // Two seeds a matrix: weights and the sizes of their columns.
      const own = seed + 2 * (1 + block * MATRIX_KINDS.length + index);
      tensors.push(matrix(`${matrixName(block, kind)}.weight`, rows, columns, own));
    }
  }
  return tensors;
}

/** Its values exist only while it is written. */
function tensor(name: string, shape: readonly number[], values: () => Float32Array): TensorToWrite {
  return { name, dtype: 'F16', shape, pieces: () => [encodeFloats('F16', values())] };
}
