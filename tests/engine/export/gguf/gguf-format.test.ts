import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import { exportModel } from '../../../../main/engine/export/export-model.ts';
import { ggufFileName, ggufFormat } from '../../../../main/engine/export/gguf/gguf-format.ts';
import { temporaryFolder } from '../../checkpoint/temporary-folder.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';
import { smallLlama } from './small-llama.ts';
import { byteLevelDefinition } from './small-tokenizer.ts';

describe('an export as GGUF', () => {
  it('is one file, with the licence of the source beside it', async () => {
    const tokenizer = JSON.stringify(byteLevelDefinition());
    const files = { 'LICENSE.txt': 'Apache', 'generation_config.json': '{}' };
    const checkpoint = await openCheckpoint(await smallLlama({ vocabSize: 264, tokenizer, files }));
    onTestFinished(() => checkpoint.close());
    const quantized = (): Promise<undefined> => Promise.resolve(undefined);
    const outFolder = join(await temporaryFolder(), 'out');
    const phases = new Set<string>();
    const report = await exportModel({
      format: await ggufFormat({ checkpoint, type: 'Q8_0', name: 'Small LLaMA', quantized }),
      outFolder,
      identity: 'a test',
      comparePerplexity: () => Promise.resolve(1),
      card: () => '',
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect((await readdir(outFolder)).sort()).toEqual([
      'LICENSE.txt',
      'README.md',
      'SHA256SUMS',
      'Small-LLaMA.gguf',
    ]);
    expect(report).toMatchObject({ tensors: 12, bytes: 69_312 });
    expect([...phases]).toEqual(['Writing the model', 'Checking the written model', 'Checking the files']);
  });

  it('is refused before anything is written where llama.cpp has no such tokenizer', async () => {
    const tokenizer = JSON.stringify(byteLevelDefinition({ pre_tokenizer: null }));
    const checkpoint = await openCheckpoint(await smallLlama({ vocabSize: 264, tokenizer }));
    onTestFinished(() => checkpoint.close());
    const quantized = (): Promise<undefined> => Promise.resolve(undefined);
    const error = await thrownBy(() => ggufFormat({ checkpoint, type: 'F16', name: 'x', quantized }));
    expect(error.code).toBe('tokenizer/unsupported');
  });
});

describe('ggufFileName', () => {
  it.each([
    ['SmolLM2-135M-Instruct', 'SmolLM2-135M-Instruct.gguf'],
    ['org/model: 3 bits', 'org-model-3-bits.gguf'],
    ['..', 'model.gguf'],
    ['模型 v1.5', '模型-v1.5.gguf'],
  ])('of %s is for every file system', (name, expected) => {
    expect(ggufFileName(name)).toBe(expected);
  });
});
