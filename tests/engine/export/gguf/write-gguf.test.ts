import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../../main/engine/checkpoint/checkpoint.ts';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import type { GgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import { writeGguf } from '../../../../main/engine/export/gguf/write-gguf.ts';
import type { GgufExport } from '../../../../main/engine/export/gguf/write-gguf.ts';
import type { FamilyModel } from '../../../golden/families.ts';
import { goldenGguf } from '../../checkpoint/gguf/golden-gguf.ts';
import { temporaryFolder } from '../../checkpoint/temporary-folder.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';
import { smallLlama } from './small-llama.ts';
import { byteLevelDefinition, familyWithTokenizer } from './small-tokenizer.ts';

const TOKENIZER = JSON.stringify(byteLevelDefinition());
const unchanged = (): Promise<undefined> => Promise.resolve(undefined);

async function opened(folder: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

async function exported(request: Partial<GgufExport> & Pick<GgufExport, 'checkpoint'>): Promise<GgufFile> {
  const path = join(await temporaryFolder(), 'model.gguf');
  const complete = { type: 'F16' as const, name: 'a model', quantized: unchanged, ...request };
  const { bytes } = await writeGguf(complete, path);
  expect(bytes).toBe((await readFile(path)).length);
  const file = await openGgufFile(path);
  onTestFinished(() => file.close());
  return file;
}

async function golden(name: string): Promise<GgufFile> {
  const file = await openGgufFile(goldenGguf(name));
  onTestFinished(() => file.close());
  return file;
}

const family = async (name: FamilyModel): Promise<Checkpoint> => opened(await familyWithTokenizer(name));

async function bytesOf(file: GgufFile, name: string): Promise<Uint8Array> {
  const tensor = file.header.tensors.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return await file.readBytes(tensor, 0, tensor.bytes);
}

describe('tensors', () => {
  it.each<FamilyModel>(['llama-biases', 'qwen3'])(
    'of %s are those of the Python package gguf',
    async (name) => {
      const expected = await golden(`${name}.gguf`);
      const written = await exported({ checkpoint: await family(name) });
      expect([...written.header.tensors.keys()].sort()).toEqual([...expected.header.tensors.keys()].sort());
      for (const [tensor, { shape }] of expected.header.tensors) {
        expect({ tensor, shape: written.header.tensors.get(tensor)?.shape }).toEqual({ tensor, shape });
        // Vectors are F32 here whatever they were there.
        if (shape.length === 1) continue;
        expect({ tensor, bytes: await bytesOf(written, tensor) }).toEqual({
          tensor,
          bytes: await bytesOf(expected, tensor),
        });
      }
    },
  );

  it("hold the divisors of Llama 3's rotary frequencies as llama.cpp's converter computes them", async () => {
    const written = await bytesOf(
      await exported({ checkpoint: await family('llama3') }),
      'rope_freqs.weight',
    );
    const expected = await bytesOf(await golden('llama3.gguf'), 'rope_freqs.weight');
    const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)];
    expect(floats(written)).toHaveLength(6);
    for (const [pair, divisor] of floats(expected).entries()) {
      expect(floats(written)[pair]).toBeCloseTo(divisor, 5);
    }
  });

  it('are of the type asked for, vectors of F32, and rows that no blocks of 32 fit into of F16', async () => {
    // Hidden size 64; the rows of down have 96 values, and of o 64.
    const checkpoint = await opened(await smallLlama({ vocabSize: 264, tokenizer: TOKENIZER }));
    const types = ({ header }: GgufFile): (string | undefined)[] =>
      ['token_embd.weight', 'blk.0.ffn_down.weight', 'output_norm.weight'].map(
        (name) => header.tensors.get(name)?.type.name,
      );
    expect(types(await exported({ checkpoint, type: 'Q8_0' }))).toEqual(['Q8_0', 'Q8_0', 'F32']);
    expect(types(await exported({ checkpoint, type: 'F32' }))).toEqual(['F32', 'F32', 'F32']);
    const odd = await family('llama2-gqa');
    expect(types(await exported({ checkpoint: odd, type: 'Q8_0' }))).toEqual(['F16', 'F16', 'F32']);
  });

  it('leave the head out where it is the embedding', async () => {
    const names = async (name: FamilyModel): Promise<string[]> => [
      ...(await exported({ checkpoint: await family(name) })).header.tensors.keys(),
    ];
    expect(await names('qwen2-tied')).not.toContain('output.weight');
    expect(await names('qwen2')).toContain('output.weight');
  });

  it('hold the matrices of a run in the place of the original ones, rows in the order of llama.cpp', async () => {
    const checkpoint = await opened(await smallLlama({ vocabSize: 264, tokenizer: TOKENIZER }));
    // Every row of q holds its own number.
    const quantized = (name: string): Promise<Float32Array | undefined> =>
      Promise.resolve(
        name.endsWith('q_proj.weight')
          ? Float32Array.from({ length: 4096 }, (_, i) => Math.floor(i / 64))
          : undefined,
      );
    const file = await exported({ checkpoint, type: 'F32', quantized });
    const values = new Float32Array((await bytesOf(file, 'blk.0.attn_q.weight')).slice().buffer);
    const rows = Array.from({ length: 64 }, (_, row) => values[row * 64]);
    expect(rows.slice(0, 6)).toEqual([0, 16, 1, 17, 2, 18]);
    expect(rows.slice(32, 36)).toEqual([32, 48, 33, 49]);
  });
});

describe('metadata', () => {
  it('of a LLaMA', async () => {
    const { metadata } = (await exported({ checkpoint: await family('llama2-gqa'), type: 'Q8_0' })).header;
    const texts = ['architecture', 'type', 'name'].map((key) => metadata.text(`general.${key}`));
    expect(texts).toEqual(['llama', 'model', 'a model']);
    expect([metadata.count('general.file_type'), metadata.count('general.quantization_version')]).toEqual([
      7, 2,
    ]);
    const counts = {
      vocab_size: 320,
      context_length: 128,
      embedding_length: 48,
      block_count: 2,
      feed_forward_length: 80,
      'attention.head_count': 4,
      'attention.head_count_kv': 2,
      'attention.key_length': 12,
      'attention.value_length': 12,
      'rope.dimension_count': 12,
    };
    for (const [key, value] of Object.entries(counts)) {
      expect({ key, value: metadata.count(`llama.${key}`) }).toEqual({ key, value });
    }
    const { ropeTheta, rmsNormEpsilon } = (await family('llama2-gqa')).model;
    expect(metadata.float('llama.rope.freq_base')).toBe(ropeTheta);
    expect(metadata.float('llama.attention.layer_norm_rms_epsilon')).toBe(rmsNormEpsilon);
    expect(metadata.has('llama.rope.scaling.type')).toBe(false);
  });

  it("name the source's licence where its card does", async () => {
    const licenceOf = async (files: Record<string, string>): Promise<string | undefined> => {
      const folder = await smallLlama({ vocabSize: 264, tokenizer: TOKENIZER, files });
      return (await exported({ checkpoint: await opened(folder) })).header.metadata.text('general.license');
    };
    expect(await licenceOf({ 'README.md': '---\nlicense: apache-2.0\n---\n# A model\n' })).toBe('apache-2.0');
    expect(await licenceOf({ 'README.md': '# A model\nlicense: mit\n' })).toBeUndefined();
    expect(await licenceOf({})).toBeUndefined();
  });

  it('of a linear rotary scaling, a sliding window and another family', async () => {
    const of = async (name: FamilyModel): Promise<GgufFile['header']['metadata']> =>
      (await exported({ checkpoint: await family(name) })).header.metadata;
    const linear = await of('llama-linear-rope');
    expect(linear.text('llama.rope.scaling.type')).toBe('linear');
    expect(linear.float('llama.rope.scaling.factor')).toBe(4);
    expect((await of('mistral-sliding')).count('llama.attention.sliding_window')).toBe(12);
    expect((await of('qwen2')).text('general.architecture')).toBe('qwen2');
    expect((await of('qwen3')).count('qwen3.attention.key_length')).toBe(20);
  });
});

describe('what is refused, leaving nothing', () => {
  async function refused(request: Partial<GgufExport> & Pick<GgufExport, 'checkpoint'>): Promise<string> {
    const folder = await temporaryFolder();
    const complete = { type: 'F16' as const, name: 'a model', quantized: unchanged, ...request };
    const error = await thrownBy(() => writeGguf(complete, join(folder, 'model.gguf')));
    expect(await readdir(folder)).toEqual([]);
    return error.code;
  }

  const withLarge = async (value: number): Promise<Checkpoint> =>
    opened(
      await smallLlama({
        vocabSize: 264,
        tokenizer: TOKENIZER,
        values: { 'model.layers.0.self_attn.o_proj.weight': new Float32Array(4096).fill(value, 70, 71) },
      }),
    );

  it('a value beyond the type', async () => {
    const checkpoint = await withLarge(70_000);
    expect(await refused({ checkpoint, type: 'F16' })).toBe('weights/out-of-range');
    expect(await refused({ checkpoint: await withLarge(9e6), type: 'Q8_0' })).toBe('weights/out-of-range');
    await exported({ checkpoint, type: 'Q8_0' });
    await exported({ checkpoint, type: 'F32' });
  });

  it('a tokenizer that llama.cpp has no equivalent of', async () => {
    const definition = byteLevelDefinition({ pre_tokenizer: null });
    const checkpoint = await opened(await familyWithTokenizer('llama', definition));
    expect(await refused({ checkpoint })).toBe('tokenizer/unsupported');
  });

  it('a disk that is full', async () => {
    const openTemporary: GgufExport['openTemporary'] = () => open('/dev/full', 'w');
    expect(await refused({ checkpoint: await family('llama'), openTemporary })).toBe('output/disk-full');
  });
});
