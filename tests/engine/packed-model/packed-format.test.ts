import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { budgetOfBits, planByOrder } from '../../../shared/budget.ts';
import { previewBudget } from '../../../shared/budget-preview.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import type { SafetensorsHeader } from '../../../main/engine/checkpoint/safetensors-header.ts';
import { openSafetensors } from '../../../main/engine/checkpoint/safetensors-file.ts';
import { type PackedExport, packedFormat } from '../../../main/engine/packed-model/packed-format.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { shardName, writeSmallModel } from '../checkpoint/small-model.ts';
import { type MakeMatrix, quickMatrix, quickRun } from './quick-run.ts';
import { writePacked } from './packed-folder.ts';

const twoBits: MakeMatrix = (weights, shape) =>
  quickMatrix(weights, shape, {
    widths: new Uint8Array(shape.columns).fill(2),
    reserved: new Int32Array(shape.columns).fill(1),
  });

const opened: Checkpoint[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((checkpoint) => checkpoint.close()));
});

async function smallExport(shards = 0, make = twoBits): Promise<{ request: PackedExport; folder: string }> {
  const work = await temporaryFolder();
  const checkpoint = await openCheckpoint(await writeSmallModel(join(work, 'model'), { shards }));
  opened.push(checkpoint);
  return { request: await quickRun(checkpoint, join(work, 'matrices'), make), folder: join(work, 'packed') };
}

async function headerOf(path: string): Promise<SafetensorsHeader> {
  const file = await openSafetensors(path);
  await file.close();
  return file.header;
}

describe('a weights file', () => {
  it("has each matrix's arrays and the other tensors, wider elements first, then the sums of all", async () => {
    const onlyUp: MakeMatrix = (weights, shape, kind) =>
      kind === 'up' ? twoBits(weights, shape, kind) : undefined;
    const { request, folder } = await smallExport(0, onlyUp);
    await writePacked(request, folder);
    const path = join(folder, 'model.safetensors');
    const header = await headerOf(path);
    expect(header.metadata).toEqual(new Map(Object.entries({ format: 'pt', claq: '1' })));
    const block0 = [...header.tensors.values()].filter(({ name }) => !/layers\.1/.test(name));
    const lines = block0.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape.join('x')}`);
    expect(lines).toEqual([
      'model.layers.0.mlp.up_proj.classes I32 1x2',
      'lm_head.weight F16 11x8',
      'model.embed_tokens.weight F16 11x8',
      'model.layers.0.input_layernorm.weight F16 8',
      'model.layers.0.mlp.down_proj.weight F16 8x12',
      'model.layers.0.mlp.gate_proj.weight F16 12x8',
      'model.layers.0.mlp.up_proj.codebooks F16 32',
      'model.layers.0.mlp.up_proj.reserved_values F16 8',
      'model.layers.0.post_attention_layernorm.weight F16 8',
      'model.layers.0.self_attn.k_proj.weight F16 4x8',
      'model.layers.0.self_attn.o_proj.weight F16 8x8',
      'model.layers.0.self_attn.q_proj.weight F16 8x8',
      'model.layers.0.self_attn.v_proj.weight F16 4x8',
      'model.norm.weight F16 8',
      'model.layers.0.mlp.up_proj.reserved_positions U8 5',
      'model.layers.0.mlp.up_proj.column_classes U8 0',
      'model.layers.0.mlp.up_proj.codes U8 24',
      `claq.checksums U8 ${header.tensors.size}x32`,
    ]);
    const document = await readFile(join(import.meta.dirname, '../../../docs/packed-format.md'), 'utf8');
    expect(document).toContain(lines.join('\n'));
    const [line = ''] =
      /"model.layers.0.mlp.up_proj": .*\}/.exec(await readFile(join(folder, 'config.json'), 'utf8')) ?? [];
    expect(document).toContain(line);
    const file = await readFile(path);
    const sum = (from: number, to: number): string =>
      createHash('sha256').update(file.subarray(from, to)).digest('hex');
    const tensors = [...header.tensors.values()];
    const sums = tensors.at(-1)?.position ?? 0;
    expect(file.toString('hex', sums, sums + 32)).toBe(sum(0, tensors[0]?.position ?? 0));
    tensors.slice(0, -1).forEach(({ position, bytes }, index) => {
      const at = sums + 32 * (1 + index);
      expect(file.toString('hex', at, at + 32)).toBe(sum(position, position + bytes));
    });
    expect(file.length).toBe(sums + 32 * tensors.length);
  });

  it("is one of the source's, of the same name, and an index names what is in it", async () => {
    const { request, folder } = await smallExport(3);
    await writePacked(request, folder);
    const files = [0, 1, 2].map((shard) => shardName(shard, 3));
    expect((await readdir(folder)).sort()).toEqual([
      'config.json',
      ...files,
      'model.safetensors.index.json',
      'modeling_claq.py',
    ]);
    const weightMap: Record<string, string> = {};
    let size = 0;
    for (const file of files) {
      for (const { name, bytes } of (await headerOf(join(folder, file))).tensors.values()) {
        if (name === 'claq.checksums') continue;
        weightMap[name] = file;
        size += bytes;
      }
    }
    const text = await readFile(join(folder, 'model.safetensors.index.json'), 'utf8');
    expect(JSON.parse(text)).toEqual({ metadata: { total_size: size }, weight_map: weightMap });
  });

  it.each([2.12, 3.23, 4])('has the size that the preview of %d bits foretells', async (bits) => {
    const budget = budgetOfBits(bits);
    const { request, folder } = await smallExport(0, (weights, shape) => {
      const order = Int32Array.from({ length: shape.columns }, (_, column) => column);
      const { widths, reservedLow, reservedHigh } = planByOrder(order, shape.rows, budget);
      const reserved = reservedLow.map((low, column) => low + (reservedHigh[column] ?? 0));
      return quickMatrix(weights, shape, { widths, reserved });
    });
    const format = await packedFormat(request);
    await writePacked(request, folder);
    const choices = budgetChoicesSchema.parse({ budget: { bits }, columnOrder: 'outlier' });
    const preview = previewBudget(request.checkpoint.model, 'F16', choices);
    expect(preview.certainty).toBe('exact');
    expect((await format.verify(folder, {})).bytes).toBe(preview.packedModelBytes);
    const header = await headerOf(join(folder, 'model.safetensors'));
    const stored = header.tensors.values().reduce((sum, { bytes }) => sum + bytes, 0);
    expect(stored).toBe(preview.packedModelBytes);
  });

  it('is not there where the writing was ended', async () => {
    const { request, folder } = await smallExport(2);
    const format = await packedFormat(request);
    const stop = (name: string): void => {
      if (name.endsWith('codes')) throw new ClaqError('run/cancelled', 'stop');
    };
    const [first] = format.files;
    await writePacked(request, folder);
    const before = await readdir(folder);
    expect(await thrownBy(() => first?.write(folder, stop))).toMatchObject({ code: 'run/cancelled' });
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('the check after the writing', () => {
  it('tells its progress, and stops when it is cancelled', async () => {
    const { request, folder } = await smallExport();
    const format = await packedFormat(request);
    await writePacked(request, folder);
    const told: string[] = [];
    const report = await format.verify(folder, {
      onProgress: ({ done, total, unit }) => told.push(`${done} of ${total} ${unit}`),
    });
    const total = report.tensors + 14;
    expect(told).toEqual(Array.from({ length: total + 1 }, (_, done) => `${done} of ${total} tensors`));
    const signal = AbortSignal.abort();
    expect(await thrownBy(() => format.verify(folder, { signal }))).toMatchObject({ code: 'run/cancelled' });
  });

  it('finds weights that are not those of the run', async () => {
    const { request, folder } = await smallExport();
    const name = 'model.layers.1.mlp.down_proj.weight';
    const format = await packedFormat({
      ...request,
      quantized: async (each) => {
        const weights = await request.quantized(each);
        if (each === name && weights !== undefined) weights[13] = 7;
        return weights;
      },
    });
    await writePacked(request, folder);
    expect(await thrownBy(() => format.verify(folder, {}))).toMatchObject({
      code: 'output/verification-failed',
      where: `${folder}, tensor ${name}, [1, 1]`,
      expected: '7',
    });
  });

  it('finds the files of another run', async () => {
    const [{ request, folder }, other] = [
      await smallExport(),
      await smallExport(0, (weights, shape, kind) => {
        const matrix = twoBits(weights, shape, kind);
        if (matrix === undefined || kind !== 'q') return matrix;
        return { ...matrix, codes: matrix.codes.map((code, i) => (i === 0 ? code ^ 1 : code)) };
      }),
    ];
    await writePacked(request, folder);
    const error = await thrownBy(async () => (await packedFormat(other.request)).verify(folder, {}));
    expect(error).toMatchObject({
      code: 'output/verification-failed',
      where: `${folder}, tensor model.layers.0.self_attn.q_proj.codes, byte [0]`,
    });
  });

  it.each([
    ['a config', 'config.json', '"hidden_act": "silu",', '"hidden_act": "silu", "more": 1,'],
    ['a form', 'config.json', '"version": 1', '"version": 3'],
  ])('finds %s that has changed', async (_, file, from, to) => {
    const { request, folder } = await smallExport();
    await writePacked(request, folder);
    const text = await readFile(join(folder, file), 'utf8');
    expect(text).toContain(from);
    await writeFile(join(folder, file), text.replace(from, to));
    const error = await thrownBy(async () => (await packedFormat(request)).verify(folder, {}));
    expect(error.code).toBe('output/verification-failed');
  });
});
