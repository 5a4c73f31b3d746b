import { open as openFile, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import type { GgufTensorType } from '../../../../main/engine/export/gguf/header.ts';
import { verifyGguf } from '../../../../main/engine/export/gguf/verify-gguf.ts';
import { writeGguf } from '../../../../main/engine/export/gguf/write-gguf.ts';
import type { GgufExport } from '../../../../main/engine/export/gguf/write-gguf.ts';
import { temporaryFolder } from '../../checkpoint/temporary-folder.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';
import { smallLlama } from './small-llama.ts';
import { byteLevelDefinition, familyWithTokenizer } from './small-tokenizer.ts';

const CONFIG = JSON.stringify({ bos_token: '<s>', chat_template: 'a template' });

interface Written {
  readonly request: GgufExport;
  readonly path: string;
}

async function written(type: GgufTensorType, folder?: string): Promise<Written> {
  const model =
    folder ??
    (await smallLlama({
      vocabSize: 264,
      tokenizer: JSON.stringify(byteLevelDefinition()),
      files: { 'tokenizer_config.json': CONFIG },
    }));
  const checkpoint = await openCheckpoint(model);
  onTestFinished(() => checkpoint.close());
  const request = { checkpoint, type, name: 'a model', quantized: () => Promise.resolve(undefined) };
  const path = join(await temporaryFolder(), 'model.gguf');
  await writeGguf(request, path);
  return { request, path };
}

/** Changes one byte of the file. */
async function change(path: string, position: number, bits: number): Promise<void> {
  const file = await openFile(path, 'r+');
  const [byte = 0] = (await readFile(path)).subarray(position);
  await file.write(Uint8Array.of(byte ^ bits), 0, 1, position);
  await file.close();
}

async function positionOf(path: string, tensor: string): Promise<number> {
  const file = await openGgufFile(path);
  await file.close();
  return file.header.tensors.get(tensor)?.position ?? NaN;
}

describe('a written file', () => {
  it.each<[GgufTensorType, number, [number, number]]>([
    ['F32', 258_816, [0, 0]],
    ['F16', 129_792, [1e-5, 1.3e-4]],
    ['Q8_0', 69_312, [1e-3, 2.22e-3]],
  ])('of %s passes when it holds the same', async (type, bytes, [least, most]) => {
    const { request, path } = await written(type);
    const report = await verifyGguf(request, path);
    expect(report).toMatchObject({ tensors: 12, bytes });
    expect(report.maxRounding).toBeGreaterThanOrEqual(least);
    expect(report.maxRounding).toBeLessThanOrEqual(most);
  });

  it('passes with matrices of a run, which it is compared with', async () => {
    const { request } = await written('F32');
    const name = 'model.layers.0.self_attn.k_proj.weight';
    const quantizedAs =
      (value: number): GgufExport['quantized'] =>
      (asked) =>
        Promise.resolve(asked === name ? new Float32Array(2048).fill(value) : undefined);
    const path = join(await temporaryFolder(), 'model.gguf');
    await writeGguf({ ...request, quantized: quantizedAs(3) }, path);
    await verifyGguf({ ...request, quantized: quantizedAs(3) }, path);
    const error = await thrownBy(() => verifyGguf({ ...request, quantized: quantizedAs(4) }, path));
    expect([error.code, error.expected, error.found]).toEqual(['output/verification-failed', '4', '3']);
    expect(error.where).toBe(`${path}, tensor ${name}, [0, 0]`);
  });

  it.each<[GgufTensorType, number, string]>([
    ['F32', 4 * 64 * 3 + 4 * 5, '[3, 5]'],
    ['F16', 2 * 64 * 3 + 2 * 5, '[3, 5]'],
    // Third row, first block: two bytes of scale, then a byte for each value.
    ['Q8_0', 3 * 68 + 2 + 5, '[3, 5]'],
  ])('of %s fails at the value that differs', async (type, at, position) => {
    const { request, path } = await written(type);
    await change(path, (await positionOf(path, 'token_embd.weight')) + at, 2);
    const error = await thrownBy(() => verifyGguf(request, path));
    expect(error.code).toBe('output/verification-failed');
    expect(error.where).toBe(`${path}, tensor model.embed_tokens.weight, ${position}`);
  });

  it('fails where a divisor of the rotary frequencies differs', async () => {
    const { request, path } = await written('F32', await familyWithTokenizer('llama3'));
    await change(path, (await positionOf(path, 'rope_freqs.weight')) + 4, 1);
    const error = await thrownBy(() => verifyGguf(request, path));
    expect(error.where).toBe(`${path}, rope_freqs.weight[1]`);
  });

  it.each([
    ['general.name', 'a model', 'b model'],
    ['tokenizer.ggml.tokens[260]', 'Ġthe', 'Ġthf'],
    ['tokenizer.chat_template', 'a template', 'a temqlate'],
    ['tokenizer.ggml.pre', 'gpt-2', 'gpt-3'],
  ])('fails where %s differs', async (key, text, other) => {
    const { request, path } = await written('F16');
    const file = await readFile(path);
    const at = file.lastIndexOf(text, await positionOf(path, 'token_embd.weight'));
    const changed = await openFile(path, 'r+');
    await changed.write(Buffer.from(other), 0, undefined, at);
    await changed.close();
    const error = await thrownBy(() => verifyGguf(request, path));
    expect(error.code).toBe('output/verification-failed');
    expect([error.where, error.found]).toEqual([`${path}, ${key}`, JSON.stringify(other)]);
  });

  it('fails where what is read back is another model, however the metadata was put', async () => {
    const { request, path } = await written('F16');
    const model = { ...request.checkpoint.model, mlpBias: true };
    const checkpoint = new Proxy(request.checkpoint, {
      get(target, key) {
        const value: unknown = key === 'model' ? model : Reflect.get(target, key);
        return typeof value === 'function'
          ? (...args: unknown[]): unknown => Reflect.apply(value, target, args)
          : value;
      },
    });
    const error = await thrownBy(() => verifyGguf({ ...request, checkpoint }, path));
    expect([error.where, error.expected, error.found]).toEqual([`${path}, mlpBias`, 'true', 'false']);
  });

  it('fails where it was made with another type', async () => {
    const { request, path } = await written('F16');
    const error = await thrownBy(() => verifyGguf({ ...request, type: 'Q8_0' }, path));
    expect([error.expected, error.found]).toEqual(['Q8_0 [264, 64]', 'F16 [264, 64]']);
  });

  it('fails where it cannot be opened', async () => {
    const { request, path } = await written('F16');
    await truncate(path, 50_000);
    const error = await thrownBy(() => verifyGguf(request, path));
    expect([error.code, error.message]).toEqual([
      'output/verification-failed',
      'The written model cannot be opened',
    ]);
  });

  it('is left at once when the export is called off', async () => {
    const { request, path } = await written('F16');
    const error = await thrownBy(() => verifyGguf(request, path, { signal: AbortSignal.abort() }));
    expect(error.code).toBe('run/cancelled');
  });
});
