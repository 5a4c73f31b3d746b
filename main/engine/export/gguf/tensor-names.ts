/** llama.cpp's names of the tensors of a model. */
import { MATRIX_KINDS, TENSOR_NAMES, matrixName } from '../../../../shared/model.ts';
import type { MatrixKind } from '../../../../shared/model.ts';

/** What Llama 3's rotary scaling divides the frequencies by: in llama.cpp a tensor. */
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

/** All names of a model of `blocks` blocks, Hugging Face's to llama.cpp's. Not every model has all of them. */
export function ggufNames(blocks: number): ReadonlyMap<string, string> {
  const names = new Map<string, string>([
    [TENSOR_NAMES.embedding, 'token_embd.weight'],
    [TENSOR_NAMES.finalNorm, 'output_norm.weight'],
    [TENSOR_NAMES.head, 'output.weight'],
  ]);
  for (let block = 0; block < blocks; block++) {
    const prefix = `blk.${block}`;
    names.set(TENSOR_NAMES.inputNorm(block), `${prefix}.attn_norm.weight`);
    names.set(TENSOR_NAMES.ffnNorm(block), `${prefix}.ffn_norm.weight`);
    names.set(TENSOR_NAMES.queryNorm(block), `${prefix}.attn_q_norm.weight`);
    names.set(TENSOR_NAMES.keyNorm(block), `${prefix}.attn_k_norm.weight`);
    for (const kind of MATRIX_KINDS) {
      for (const parameter of ['weight', 'bias']) {
        names.set(`${matrixName(block, kind)}.${parameter}`, `${prefix}.${MODULES[kind]}.${parameter}`);
      }
    }
  }
  return names;
}

/** The tensors whose rows llama.cpp has in another order under the architecture llama: q and k, weights and biases. */
export function pairedNames(blocks: number): ReadonlySet<string> {
  const names = new Set<string>();
  for (let block = 0; block < blocks; block++) {
    for (const kind of ['q', 'k'] as const) {
      for (const parameter of ['weight', 'bias']) names.add(`${matrixName(block, kind)}.${parameter}`);
    }
  }
  return names;
}
