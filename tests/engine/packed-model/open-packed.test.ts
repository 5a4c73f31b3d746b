import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ClaqError } from '../../../shared/errors.ts';
import { openSafetensors } from '../../../main/engine/checkpoint/safetensors-file.ts';
import { type TensorToWrite, writeSafetensors } from '../../../main/engine/checkpoint/safetensors-writer.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { writeWithChecksums } from '../../../main/engine/packed-model/checksums.ts';
import { openPacked } from '../../../main/engine/packed-model/open-packed.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { writeSmallModel } from '../checkpoint/small-model.ts';
import { quickGrid, quickMatrix, quickRun } from './quick-run.ts';
import { readEverything, writePacked } from './packed-folder.ts';

const Q = 'model.layers.0.self_attn.q_proj';
const WEIGHTS = 'model.safetensors';

/** Columns of two widths with 0 and 2 reserved entries; `o` scaled by row and its codebooks in bytes, `v` on a grid, `k` as it was. */
async function smallPacked(): Promise<string> {
  const work = await temporaryFolder();
  const checkpoint = await openCheckpoint(await writeSmallModel(join(work, 'model'), { dtype: 'BF16' }));
  const request = await quickRun(checkpoint, join(work, 'matrices'), (weights, shape, kind) => {
    if (kind === 'k') return undefined;
    if (kind === 'v') return quickGrid(weights, shape, 3, 3);
    const widths = Uint8Array.from({ length: shape.columns }, (_, column) => (column % 3 === 0 ? 3 : 2));
    const reserved = Int32Array.from({ length: shape.columns }, (_, column) => (column % 2 === 0 ? 2 : 0));
    const rowScales = new Float32Array(shape.rows).fill(1.5);
    return quickMatrix(weights, shape, {
      widths,
      reserved,
      ...(kind === 'o' ? { rowScales, byteCodebooks: true } : {}),
    });
  });
  await writePacked(request, join(work, 'packed'));
  await checkpoint.close();
  return join(work, 'packed');
}

interface Content {
  readonly tensors: Map<
    string,
    { dtype: TensorToWrite['dtype']; shape: readonly number[]; bytes: Uint8Array }
  >;
  readonly metadata: Map<string, string>;
}

/** Changes tensors or metadata and writes the file again, with sums that are right. */
async function rewrite(folder: string, change: (content: Content) => void): Promise<void> {
  const path = join(folder, WEIGHTS);
  const file = await openSafetensors(path);
  const tensors: Content['tensors'] = new Map();
  for (const { name, dtype, shape, bytes } of file.header.tensors.values()) {
    if (name !== 'claq.checksums')
      tensors.set(name, { dtype, shape, bytes: await file.readBytes(name, 0, bytes) });
  }
  const content = { tensors, metadata: new Map(file.header.metadata) };
  await file.close();
  change(content);
  const toWrite = [...tensors].map(([name, { bytes, ...rest }]) => ({
    name,
    ...rest,
    pieces: () => [bytes],
  }));
  await writeWithChecksums(path, toWrite, { metadata: content.metadata });
}

async function rewriteConfig(folder: string, from: string | RegExp, to: string): Promise<void> {
  const path = join(folder, 'config.json');
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(from);
  await writeFile(path, text.replace(from, to));
}

async function refusal(folder: string): Promise<ClaqError> {
  return await thrownBy(async () => {
    const checkpoint = await openPacked(folder);
    try {
      await readEverything(checkpoint);
    } finally {
      await checkpoint.close();
    }
  });
}

function tensor(content: Content, name: string): { bytes: Uint8Array; shape: readonly number[] } {
  const found = content.tensors.get(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

describe('a packed model, opened', () => {
  it('looks like the dense one', async () => {
    const folder = await smallPacked();
    const packed = await openPacked(folder);
    const dense = await openCheckpoint(join(folder, '..', 'model'));
    expect(packed.model).toEqual(dense.model);
    expect([...packed.tensors.keys()].sort()).toEqual([...dense.tensors.keys()].sort());
    expect(packed.shards.map(({ file }) => file)).toEqual([WEIGHTS]);
    expect([...(packed.shards[0]?.names ?? [])].sort()).toEqual([...dense.tensors.keys()].sort());
    const entry = (part: string): unknown =>
      packed.tensors.get(`model.layers.0.self_attn.${part}_proj.weight`);
    expect(entry('q')).toMatchObject({ dtype: 'F16', sourceDtype: 'BF16', shape: [8, 8] });
    expect(entry('k')).toEqual({ ...dense.tensors.get('model.layers.0.self_attn.k_proj.weight') });
    expect(entry('v')).toMatchObject({ dtype: 'F32', sourceDtype: 'BF16' });
    expect(entry('o')).toMatchObject({ dtype: 'F32', sourceDtype: 'BF16' });
    expect(JSON.parse(new TextDecoder().decode(await packed.companions.read('config.json')))).toEqual(
      JSON.parse(new TextDecoder().decode(await dense.companions.read('config.json'))),
    );
    expect(packed.sourceFiles).toEqual(['config.json', WEIGHTS]);
    await packed.close();
    await dense.close();
  });

  it('is read whole, by rows and by bytes alike', async () => {
    const packed = await openPacked(await smallPacked());
    for (const { name, dtype, shape } of packed.tensors.values()) {
      const whole = await packed.read(name);
      const bytes = encodeFloats(dtype, whole);
      const target = new Uint8Array(bytes.length);
      await packed.readInto(name, target);
      expect(Buffer.compare(target, bytes)).toBe(0);
      for (const [from, to] of [
        [0, bytes.length],
        [3, 7],
        [bytes.length - 1, bytes.length],
        [2, 2],
      ] as const) {
        expect(Buffer.from(await packed.readBytes(name, from, to))).toEqual(
          Buffer.from(bytes.subarray(from, to)),
        );
      }
      const [rows = 0, columns = 0] = shape;
      if (shape.length !== 2) continue;
      for (const [from, to] of [
        [0, 3],
        [3, rows],
        [1, 1],
      ] as const) {
        expect(await packed.readRows(name, from, to)).toEqual(whole.slice(from * columns, to * columns));
      }
      await expect(packed.readRows(name, 0, rows + 1)).rejects.toThrow(RangeError);
      await expect(packed.readBytes(name, 0, bytes.length + 1)).rejects.toThrow(RangeError);
      await expect(packed.readInto(name, new Uint8Array(bytes.length + 1))).rejects.toThrow(RangeError);
    }
    expect(await thrownBy(() => packed.read('lm_head.bias'))).toMatchObject({
      code: 'weights/missing-tensor',
    });
    await packed.close();
  });
});

describe('a file with right checksums is refused', () => {
  it.each<[string, (content: Content) => void, string]>([
    ['of another form', ({ metadata }) => metadata.set('claq', '2'), 'weights/malformed'],
    ['without a form', ({ metadata }) => metadata.delete('claq'), 'weights/malformed'],
    ['without an array', ({ tensors }) => tensors.delete(`${Q}.codes`), 'weights/missing-tensor'],
    ['without a norm', ({ tensors }) => tensors.delete('model.norm.weight'), 'weights/missing-tensor'],
    [
      'with an array that is not known',
      ({ tensors }) => tensors.set(`${Q}.scales`, { dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }),
      'weights/malformed',
    ],
    [
      'with a dense matrix beside its codes',
      ({ tensors }) => tensors.set(`${Q}.weight`, { dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }),
      'weights/malformed',
    ],
    [
      'with shorter codes',
      ({ tensors }) => tensors.set(`${Q}.codes`, { dtype: 'U8', shape: [3], bytes: new Uint8Array(3) }),
      'weights/malformed',
    ],
    [
      'with a width of 9 bits',
      (content) => (tensor(content, `${Q}.classes`).bytes[0] = 9),
      'weights/malformed',
    ],
    [
      'with more reserved entries than rows',
      (content) => (tensor(content, `${Q}.classes`).bytes[12] = 9),
      'weights/malformed',
    ],
    [
      'with columns in other classes',
      (content) => tensor(content, `${Q}.column_classes`).bytes.fill(0),
      'weights/malformed',
    ],
    [
      'with positions that do not ascend',
      (content) => tensor(content, `${Q}.reserved_positions`).bytes.fill(0xff),
      'weights/malformed',
    ],
    [
      'with an infinite centroid',
      (content) =>
        tensor(content, `${Q}.codebooks`).bytes.set([0x00, 0x7c, 0x00, 0x7c, 0x00, 0x7c, 0x00, 0x7c]),
      'weights/not-finite',
    ],
    [
      'with a centroid that is no number',
      (content) => tensor(content, `${Q.replace('q_proj', 'o_proj')}.byte_codebooks`).bytes.fill(0x7f),
      'weights/not-finite',
    ],
  ])('%s', async (_, change, code) => {
    const folder = await smallPacked();
    await rewrite(folder, change);
    expect((await refusal(folder)).code).toBe(code);
  });

  it('whose sizes the config repeats, where they are not those of its columns', async () => {
    const folder = await smallPacked();
    await rewrite(folder, (content) => {
      const { bytes } = tensor(content, `${Q}.codes`);
      content.tensors.set(`${Q}.codes`, {
        dtype: 'U8',
        shape: [bytes.length + 1],
        bytes: Buffer.concat([bytes, Buffer.of(0)]),
      });
    });
    const codes = /("model\.layers\.0\.self_attn\.q_proj".*"codes":\[)\d+/;
    const size = Number(
      /q_proj".*"codes":\[(\d+)/.exec(await readFile(join(folder, 'config.json'), 'utf8'))?.[1],
    );
    await rewriteConfig(folder, codes, `$1${size + 1}`);
    const error = await refusal(folder);
    expect(error.code).toBe('weights/malformed');
    expect(error.expected).toContain(`codes [${size}]`);
    expect(error.found).toContain(`codes [${size + 1}]`);
  });
});

describe('a folder is refused', () => {
  it('whose weights have no checksums', async () => {
    const folder = await smallPacked();
    const file = await openSafetensors(join(folder, WEIGHTS));
    const tensors = [...file.header.tensors.values()].filter(({ name }) => name !== 'claq.checksums');
    const bytes = new Map<string, Uint8Array>();
    for (const each of tensors) bytes.set(each.name, await file.readBytes(each.name, 0, each.bytes));
    await file.close();
    const toWrite = tensors.map(({ name, dtype, shape }) => ({
      name,
      dtype,
      shape,
      pieces: () => [bytes.get(name) ?? new Uint8Array()],
    }));
    await writeSafetensors(join(folder, WEIGHTS), toWrite, { metadata: file.header.metadata });
    expect(await refusal(folder)).toMatchObject({ code: 'weights/malformed', found: 'none' });
  });

  it.each([
    ['other sizes', '"rows":8,"columns":8', '"rows":8,"columns":9'],
    ['matrices of another model', `"${Q}"`, '"model.layers.7.self_attn.q_proj"'],
  ])('whose config has %s', async (_, from, to) => {
    const folder = await smallPacked();
    await rewriteConfig(folder, from, to);
    expect((await refusal(folder)).code).toBe('model/config-invalid');
  });
});
