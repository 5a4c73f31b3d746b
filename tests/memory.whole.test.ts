import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../main/engine/checkpoint/config.ts';
import { requiredTensors } from '../main/engine/checkpoint/required-tensors.ts';
import { writeSafetensors } from '../main/engine/checkpoint/safetensors-writer.ts';
import { DEMO_MODEL, finish, start } from './cli/claq-process.ts';

/** 1,245,184 weights a block: 5 MB as the float32 that is computed with. */
const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 4096,
  hidden_size: 256,
  intermediate_size: 1408,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: true,
};
const SHALLOW = 4;
const DEEP = 44;

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-memory-'));
});
afterAll(() => rm(work, { recursive: true }));

/** A model of random weights as float16, written one tensor at a time, with the demo model's tokenizer. */
async function writeModel(blocks: number): Promise<string> {
  const folder = join(work, `model-${String(blocks)}`);
  await mkdir(folder);
  await copyFile(join(DEMO_MODEL, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  const config = JSON.stringify({ ...CONFIG, num_hidden_layers: blocks });
  await writeFile(join(folder, 'config.json'), config);
  let state = 1;
  const tensors = [...requiredTensors(parseConfig(config, 'config.json'))].map(([name, shape]) => ({
    name,
    dtype: 'F16' as const,
    shape,
    *pieces() {
      const halves = new Uint16Array(shape.reduce((product, size) => product * size, 1));
      for (let i = 0; i < halves.length; i++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        // Norms are 1; everything else has a random sign and mantissa, |w| from 1/64 to 1/32.
        halves[i] =
          shape.length === 1 ? 0x3c00 : ((state >>> 16) & 0x8000) | (9 << 10) | ((state >>> 8) & 0x3ff);
      }
      yield new Uint8Array(halves.buffer);
    },
  }));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}

/** Peak resident memory of `claq quantize` on such a model, export included, in MB. */
async function peakMegabytes(blocks: number): Promise<number> {
  const args = [
    'quantize',
    await writeModel(blocks),
    '--out',
    join(work, `run-${String(blocks)}`),
    '--bits',
    '2',
  ];
  const texts = ['--segments', '2', '--segment-length', '64', '--windows', '1', '--context', '64'];
  const { code, stderr } = await finish(start('tests/peak-memory-process.ts', [...args, ...texts]));
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^peak \d+ KiB$/m)]);
  return (Number(/^peak (\d+) KiB$/m.exec(stderr)?.[1]) * 1024) / 1e6;
}

it('takes no more memory for a model of many blocks than for one of few', async () => {
  const shallow = await peakMegabytes(SHALLOW);
  const deep = await peakMegabytes(DEEP);
  // The blocks in between would be 199 MB more as float32, 100 MB as they are stored.
  expect(deep - shallow).toBeLessThan(60);
});
