/** A LLaMA of one block with any tokenizer, for tests of tokenizers and of single tensors. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { onTestFinished } from 'vitest';
import { parseConfig } from '../../../../main/engine/checkpoint/config.ts';
import { requiredTensors } from '../../../../main/engine/checkpoint/required-tensors.ts';
import { writeSafetensors } from '../../../../main/engine/checkpoint/safetensors-writer.ts';

export interface SmallLlama {
  readonly vocabSize: number;
  /** The text of tokenizer.json. */
  readonly tokenizer: string;
  /** Keys of config.json beside the usual ones. */
  readonly config?: object;
  /** Other files, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Values of a tensor in place of random ones. */
  readonly values?: Readonly<Record<string, Float32Array>>;
}

/** Its folder, removed when the test is over. All F32: hidden size 64, two heads, one for keys and values, FFN 96. */
export async function smallLlama({
  vocabSize,
  tokenizer,
  config,
  files,
  values,
}: SmallLlama): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-gguf-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const text = JSON.stringify({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabSize,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 128,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
    ...config,
  });
  await writeFile(join(folder, 'config.json'), text);
  await writeFile(join(folder, 'tokenizer.json'), tokenizer);
  for (const [name, content] of Object.entries(files ?? {})) await writeFile(join(folder, name), content);
  const random = xoroshiro128plus(11);
  const tensors = [...requiredTensors(parseConfig(text, 'config.json'))].map(([name, shape]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    const floats = values?.[name] ?? Float32Array.from({ length: count }, () => uniformFloat64(random) - 0.5);
    return { name, dtype: 'F32' as const, shape, pieces: () => [new Uint8Array(floats.buffer)] };
  });
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}
