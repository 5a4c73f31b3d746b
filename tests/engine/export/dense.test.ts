import { chmod, mkdir, open as openFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import type { Progress } from '../../../shared/progress.ts';
import { SMALL_CONFIG, shardName, smallValues, writeSmallModel } from '../checkpoint/small-model.ts';
import type { SmallModel, SmallTensor } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { type DenseRequest, exportDense } from './export-dense.ts';

const UP = 'model.layers.1.mlp.up_proj.weight';
const NORM = 'model.norm.weight';

async function open(folder: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

/** A request for a small model, in a folder that holds nothing but `source`. */
async function request(
  model: SmallModel,
  changes: Partial<DenseRequest> = {},
): Promise<DenseRequest & { parent: string }> {
  const parent = await temporaryFolder();
  const checkpoint = await open(await writeSmallModel(join(parent, 'source'), model));
  const unchanged = (): Promise<undefined> => Promise.resolve(undefined);
  return {
    parent,
    checkpoint,
    outFolder: join(parent, 'out'),
    dtype: 'source',
    quantized: unchanged,
    ...changes,
  };
}

/** 0.1, 0.2, ...: not halves, so that rounding shows. */
const tenths = Float32Array.from({ length: 96 }, (_, i) => (i + 1) / 10);
/** Largest rounding of these as numpy and ml_dtypes have it. */
const F16_LOSS = 0.0031251907348632812;
const BF16_LOSS = 0.024999618530273438;
const onlyUp = (name: string): Promise<Float32Array | undefined> =>
  Promise.resolve(name === UP ? tenths : undefined);

const inverseFrequencies: SmallTensor = {
  name: 'model.layers.0.self_attn.rotary_emb.inv_freq',
  dtype: 'F32',
  shape: [2],
  bytes: encodeFloats('F32', Float32Array.of(1, 0.01)),
};

describe('a dense export', () => {
  it('replaces what was quantized and keeps the rest, byte for byte', async () => {
    const asked: string[] = [];
    const quantized = (name: string): Promise<Float32Array | undefined> => {
      asked.push(name);
      return Promise.resolve(name === UP ? Float32Array.from({ length: 96 }, (_, i) => i / 64) : undefined);
    };
    const { checkpoint, outFolder, ...rest } = await request({}, { quantized });
    const report = await exportDense({ checkpoint, outFolder, ...rest });
    expect(report).toEqual({ tensors: 21, bytes: 2352, maxRounding: 0 });

    const written = await open(outFolder);
    expect(written.model).toEqual(checkpoint.model);
    expect([...(await written.read(UP))]).toEqual(Array.from({ length: 96 }, (_, i) => i / 64));
    for (const { name } of checkpoint.tensors.values()) {
      if (name !== UP) expect(await written.read(name)).toEqual(await checkpoint.read(name));
    }
    // All seven matrices of both blocks, for the writing and for the check; nothing else.
    expect(asked.length).toBe(28);
    expect(new Set(asked).size).toBe(14);
    expect(asked.every((name) => /_proj\.weight$/.test(name))).toBe(true);
  });

  it('gives the same file as the source when nothing was quantized', async () => {
    const { outFolder, checkpoint, ...rest } = await request({ dtype: 'BF16' });
    await exportDense({ checkpoint, outFolder, ...rest });
    const [before, after] = [checkpoint.folder, outFolder].map((folder) =>
      readFile(join(folder, 'model.safetensors')),
    );
    expect((await after)?.equals((await before) ?? new Uint8Array())).toBe(true);
  });

  it('keeps shards, their order and extra tensors, and writes the index anew', async () => {
    const change = (tensors: SmallTensor[]): SmallTensor[] => [inverseFrequencies, ...tensors.reverse()];
    const { outFolder, checkpoint, ...rest } = await request(
      { shards: 3, change },
      { dtype: 'F32', quantized: onlyUp },
    );
    const report = await exportDense({ checkpoint, outFolder, ...rest });
    expect(report.bytes).toBe(2 * 2352 + 8);
    expect((await readdir(outFolder)).sort()).toEqual([
      'README.md',
      'SHA256SUMS',
      'config.json',
      shardName(0, 3),
      shardName(1, 3),
      shardName(2, 3),
      'model.safetensors.index.json',
    ]);
    const written = await open(outFolder);
    expect(written.shards).toEqual(checkpoint.shards);
    expect(await written.read(UP)).toEqual(tenths);
    expect(await written.readBytes(inverseFrequencies.name, 0, 8)).toEqual(inverseFrequencies.bytes);
    const index = await readFile(join(outFolder, 'model.safetensors.index.json'), 'utf8');
    expect(JSON.parse(index)).toMatchObject({
      metadata: { total_size: 4712 },
      weight_map: { [inverseFrequencies.name]: shardName(0, 3), 'lm_head.weight': shardName(2, 3) },
    });
    expect((await readFile(join(outFolder, shardName(1, 3)))).toString('latin1', 8, 50)).toContain(
      '"__metadata__":{"format":"pt"}',
    );
  });

  it.each([
    ['F16', 'F16', 9.6015625, F16_LOSS, 'float16'],
    ['BF16', 'F16', 9.6015625, F16_LOSS, 'float16'],
    ['BF16', 'source', 9.625, BF16_LOSS, 'bfloat16'],
    ['F16', 'F32', 9.600000381469727, 0, 'float32'],
  ] as const)('from %s to %s rounds 9.6 to %d', async (from, to, rounded, loss, torchName) => {
    const { outFolder, ...rest } = await request({ dtype: from }, { dtype: to, quantized: onlyUp });
    const report = await exportDense({ outFolder, ...rest });
    const written = await open(outFolder);
    expect((await written.read(UP))[95]).toBe(rounded);
    expect(written.tensors.get(NORM)?.dtype).toBe(to === 'source' ? from : to);
    expect(await written.read(NORM)).toEqual(smallValues(20, 8));
    expect(report.maxRounding).toBe(loss);
    expect(JSON.parse(await readFile(join(outFolder, 'config.json'), 'utf8'))).toMatchObject({
      torch_dtype: torchName,
    });
  });

  it('copies what belongs to a model, and nothing else', async () => {
    const { outFolder, checkpoint: before, ...rest } = await request({});
    const { folder } = before;
    const copied = [
      'LICENSE',
      'NOTICE.txt',
      'generation_config.json',
      'merges.txt',
      'tokenizer.json',
      'tokenizer.model',
    ];
    const left = ['pytorch_model.bin', 'training_args.bin', '.gitattributes'];
    for (const name of [...copied, ...left]) await writeFile(join(folder, name), `content of ${name}`);
    await mkdir(join(folder, 'licenses'));
    await chmod(join(folder, 'LICENSE'), 0o444);
    await exportDense({ checkpoint: await open(folder), outFolder, ...rest });
    const written = [...copied, 'README.md', 'SHA256SUMS', 'config.json', 'model.safetensors'];
    expect((await readdir(outFolder)).sort()).toEqual(written.sort());
    for (const name of copied)
      expect(await readFile(join(outFolder, name), 'utf8')).toBe(`content of ${name}`);
  });

  it('leaves the numbers of config.json as Python wrote them', async () => {
    const { outFolder, checkpoint, ...rest } = await request({});
    const config = JSON.stringify({ ...SMALL_CONFIG, dtype: 'bfloat16', quantization_config: null }).replace(
      '0.00001',
      '1e-05',
    );
    await writeFile(join(checkpoint.folder, 'config.json'), config.replace('}', ',"rope_theta":10000.0}'));
    await exportDense({ checkpoint, outFolder, ...rest });
    const text = await readFile(join(outFolder, 'config.json'), 'utf8');
    expect(text).toContain('"rms_norm_eps": 1e-05,');
    expect(text).toContain('"rope_theta": 10000.0');
    expect(text).toContain('"dtype": "float16"');
    expect(text).toContain('"torch_dtype": "float16"');
    expect(text).not.toContain('quantization_config');
  });

  it('tells how far it is', async () => {
    const progress: Progress[] = [];
    const { outFolder, ...rest } = await request(
      { shards: 2 },
      { onProgress: (step) => progress.push(step) },
    );
    await exportDense({ outFolder, ...rest });
    for (const phase of ['Writing the model', 'Checking the written model']) {
      const steps = progress.filter((step) => step.phase === phase);
      expect(steps.map((step) => step.done)).toEqual(Array.from({ length: 22 }, (_, i) => i));
      expect(steps.every((step) => step.total === 21)).toBe(true);
      expect(steps[0]?.detail).toBe('lm_head.weight');
    }
  });

  it('takes an empty folder, and makes those above it', async () => {
    const first = await request({});
    await mkdir(first.outFolder);
    await exportDense(first);
    expect(await readdir(first.outFolder)).toContain('config.json');
    const deep = { ...first, outFolder: join(first.parent, 'a', 'b') };
    await exportDense(deep);
    expect(await readdir(join(first.parent, 'a'))).toEqual(['b']);
  });
});

describe('nothing is left of an export that', () => {
  it('was cancelled before a file was whole', async () => {
    const controller = new AbortController();
    let steps = 0;
    const onProgress = (): void => {
      if (++steps === 3) controller.abort();
    };
    const { parent, ...rest } = await request({}, { onProgress, signal: controller.signal });
    expect((await thrownBy(() => exportDense(rest))).code).toBe('run/cancelled');
    expect(steps).toBe(3);
    expect(await readdir(parent)).toEqual(['source']);
  });

  it('met a full disk', async () => {
    let files = 0;
    // The second shard meets the device that is always full.
    const openTemporary = (path: string): Promise<FileHandle> =>
      ++files === 2 ? openFile('/dev/full', 'w') : openFile(path, 'wx');
    const { parent, ...rest } = await request({ shards: 3 }, { openTemporary });
    expect(await thrownBy(() => exportDense(rest))).toMatchObject({
      code: 'output/disk-full',
      found: 'ENOSPC',
    });
    expect(await readdir(parent)).toEqual(['source']);
  });

  it('has a value beyond F16', async () => {
    const quantized = (name: string): Promise<Float32Array | undefined> =>
      Promise.resolve(name === UP ? new Float32Array(96).fill(65505, 20, 21) : undefined);
    const { parent, ...rest } = await request({ dtype: 'BF16' }, { dtype: 'F16', quantized });
    expect(await thrownBy(() => exportDense(rest))).toMatchObject({
      code: 'weights/out-of-range',
      where: `${UP}, [2, 4]`,
      found: '65505',
      remedy: "take a dense export in the source's dtype or in f32",
    });
    expect(await readdir(parent)).toEqual(['source']);
  });

  it('has a source beyond F16', async () => {
    const large = (tensors: SmallTensor[]): SmallTensor[] =>
      tensors.map((tensor) =>
        tensor.name === NORM
          ? { ...tensor, bytes: encodeFloats('F32', new Float32Array(8).fill(-1e6, 7)) }
          : tensor,
      );
    const { parent, ...rest } = await request({ dtype: 'F32', change: large }, { dtype: 'F16' });
    expect(await thrownBy(() => exportDense(rest))).toMatchObject({
      code: 'weights/out-of-range',
      where: `${NORM}, [7]`,
      found: '-1000000',
    });
    expect(await readdir(parent)).toEqual(['source']);
  });

  it.each([
    ['weights/not-finite', new Float32Array(96).fill(NaN, 8, 9)],
    ['weights/wrong-shape', new Float32Array(95)],
  ])('was given a matrix that is %s', async (code, matrix) => {
    const { parent, ...rest } = await request(
      {},
      { quantized: (name) => Promise.resolve(name === UP ? matrix : undefined) },
    );
    expect((await thrownBy(() => exportDense(rest))).code).toBe(code);
    expect(await readdir(parent)).toEqual(['source']);
  });

  it('does not hold what it should', async () => {
    let asked = 0;
    const quantized = (name: string): Promise<Float32Array | undefined> => {
      if (name !== UP) return Promise.resolve(undefined);
      // What the check is told differs in one value from what the writer was told.
      return Promise.resolve(asked++ === 0 ? new Float32Array(96) : new Float32Array(96).fill(0.5, 17, 18));
    };
    const { parent, ...rest } = await request({}, { quantized });
    const error = await thrownBy(() => exportDense(rest));
    expect(error).toMatchObject({ code: 'output/verification-failed', expected: '0.5', found: '0' });
    expect(error.where).toContain(`tensor ${UP}, [2, 1]`);
    expect(await readdir(parent)).toEqual(['source']);
  });
});

describe('the output folder', () => {
  it('is refused when it is not empty, and left alone', async () => {
    const { parent, ...rest } = await request({});
    await mkdir(rest.outFolder);
    await writeFile(join(rest.outFolder, 'mine'), 'mine');
    const error = await thrownBy(() => exportDense(rest));
    expect(error).toMatchObject({ code: 'output/not-empty', where: rest.outFolder, found: 'mine' });
    expect(await readFile(join(rest.outFolder, 'mine'), 'utf8')).toBe('mine');
    expect((await readdir(parent)).sort()).toEqual(['out', 'source']);
  });

  it('is not touched when it fills up while the export runs', async () => {
    const { outFolder, parent, ...rest } = await request({});
    const quantized = async (): Promise<undefined> => {
      await mkdir(outFolder, { recursive: true });
      await writeFile(join(outFolder, 'mine'), 'mine');
    };
    expect((await thrownBy(() => exportDense({ ...rest, outFolder, quantized }))).code).toBe(
      'output/not-empty',
    );
    expect(await readdir(outFolder)).toEqual(['mine']);
    expect((await readdir(parent)).sort()).toEqual(['out', 'source']);
  });

  it('cannot be a file, or lie in one', async () => {
    const { parent, ...rest } = await request({});
    await writeFile(join(parent, 'file'), '');
    for (const outFolder of [join(parent, 'file'), join(parent, 'file', 'out')]) {
      expect((await thrownBy(() => exportDense({ ...rest, outFolder }))).code).toBe('output/not-writable');
    }
    expect((await stat(join(parent, 'file'))).size).toBe(0);
  });
});
