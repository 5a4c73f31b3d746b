/** Names of tensors, llama.cpp's and Hugging Face's: one table, read both ways. */
import { MATRIX_KINDS, TENSOR_NAMES, matrixName } from '../../../../shared/model.ts';
import type { MatrixKind } from '../../../../shared/model.ts';

export const GGUF_EMBEDDING = 'token_embd.weight';
export const GGUF_HEAD = 'output.weight';

/** What Llama 3's scaling divides the rotary frequencies by: in llama.cpp a tensor, elsewhere part of the config. */
export const ROPE_DIVISORS = 'rope_freqs.weight';

const MODULES: Readonly<Record<MatrixKind, string>> = {
  q: 'attn_q',
  k: 'attn_k',
  v: 'attn_v',
  o: 'attn_output',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
};

const KINDS = new Map(MATRIX_KINDS.map((kind) => [MODULES[kind], kind]));

/** Whose rows llama.cpp has in another order under the architecture llama. */
const PAIRED_KINDS: readonly MatrixKind[] = ['q', 'k'];

const PARAMETERS = ['weight', 'bias'] as const;

const NORMS: ReadonlyMap<string, (block: number) => string> = new Map([
  ['attn_norm', TENSOR_NAMES.inputNorm],
  ['ffn_norm', TENSOR_NAMES.ffnNorm],
  ['attn_q_norm', TENSOR_NAMES.queryNorm],
  ['attn_k_norm', TENSOR_NAMES.keyNorm],
]);

const OUTSIDE_BLOCKS: ReadonlyMap<string, string> = new Map([
  [GGUF_EMBEDDING, TENSOR_NAMES.embedding],
  ['output_norm.weight', TENSOR_NAMES.finalNorm],
  [GGUF_HEAD, TENSOR_NAMES.head],
]);

const IN_BLOCK = /^blk\.(0|[1-9]\d{0,5})\.([a-z_]+)\.(weight|bias)$/;

export interface NamedTensor {
  /** `model.layers.0.self_attn.q_proj.weight` */
  readonly name: string;
  /** Of a matrix in a block, and of its bias. */
  readonly kind: MatrixKind | undefined;
}

/** What Hugging Face calls `blk.0.attn_q.weight`; undefined for a tensor that the families here do not have. */
export function huggingFaceName(name: string): NamedTensor | undefined {
  const outside = OUTSIDE_BLOCKS.get(name);
  if (outside !== undefined) return { name: outside, kind: undefined };
  const [, block, module = '', parameter] = IN_BLOCK.exec(name) ?? [];
  if (block === undefined) return undefined;
  const kind = KINDS.get(module);
  if (kind !== undefined) return { name: `${matrixName(Number(block), kind)}.${parameter}`, kind };
  const norm = parameter === 'weight' ? NORMS.get(module) : undefined;
  return norm === undefined ? undefined : { name: norm(Number(block)), kind: undefined };
}

/** Tensors of old files that repeat what the config says: the rotary frequencies of each block. */
export function isRepeated(name: string): boolean {
  return /^blk\.\d+\.attn_rot_embd\.weight$/.test(name);
}

/** All names of a model of `blocks` blocks, Hugging Face's to llama.cpp's. Not every model has all of them. */
export function ggufNames(blocks: number): ReadonlyMap<string, string> {
  const names = new Map([...OUTSIDE_BLOCKS].map(([ggufName, name]) => [name, ggufName]));
  for (let block = 0; block < blocks; block++) {
    for (const [module, name] of NORMS) names.set(name(block), `blk.${block}.${module}.weight`);
    for (const kind of MATRIX_KINDS) {
      for (const parameter of PARAMETERS) {
        names.set(`${matrixName(block, kind)}.${parameter}`, `blk.${block}.${MODULES[kind]}.${parameter}`);
      }
    }
  }
  return names;
}

/** Whether it is q or k, weight or bias: tensors whose rows llama.cpp has in another order under the architecture llama. */
export function isPaired({ kind }: NamedTensor): boolean {
  return kind !== undefined && PAIRED_KINDS.includes(kind);
}

/** Hugging Face's names of those tensors. */
export function pairedNames(blocks: number): ReadonlySet<string> {
  const names = new Set<string>();
  for (let block = 0; block < blocks; block++) {
    for (const kind of PAIRED_KINDS) {
      for (const parameter of PARAMETERS) names.add(`${matrixName(block, kind)}.${parameter}`);
    }
  }
  return names;
}
