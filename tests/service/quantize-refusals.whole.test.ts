import { mkdtemp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { exportQuantized } from '../../main/service/export.ts';
import { inspectModel } from '../../main/service/inspect.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import type { ClaqError, ErrorCode } from '../../shared/errors.ts';
import { matrixName, TENSOR_NAMES } from '../../shared/model.ts';
import type { QuantizeRequest } from '../../shared/requests.ts';
import { runRecordSchema } from '../../shared/run-record.ts';
import { shardName, type SmallTensor } from '../engine/checkpoint/small-model.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { QUICK_TEXTS, type TinyModel, writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
let folders = 0;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-refusals-'));
  model = await writeTinyModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true }));

/** A path that nothing has yet. */
function freshPath(): string {
  return join(work, String(++folders));
}

/** What the service says to a request, and what the run's folder then holds (undefined: there is none). */
async function refusal(
  request: Partial<QuantizeRequest>,
): Promise<{ error: ClaqError; left: string[] | undefined }> {
  const out = freshPath();
  const error = await thrownBy(() => quantizeModel({ model, out, ...QUICK_TEXTS, ...request }));
  const left = await readdir(out).catch(() => undefined);
  return { error, left: left?.toSorted() };
}

async function statusOf(run: string): Promise<string> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8'))).status;
}

const mapTensor =
  (name: string, change: (tensor: SmallTensor) => SmallTensor) =>
  (tensors: SmallTensor[]): SmallTensor[] =>
    tensors.map((tensor) => (tensor.name === name ? change(tensor) : tensor));

/** The tensor with a NaN (as float16) in the place of its value `at`. */
const withNan =
  (at: number) =>
  (tensor: SmallTensor): SmallTensor => {
    const bytes = Uint8Array.from(tensor.bytes);
    bytes.set([0x00, 0x7e], 2 * at);
    return { ...tensor, bytes };
  };

const q = `${matrixName(0, 'q')}.weight`;
const second = shardName(1, 2);
const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 3146032\n`;

describe('a model that cannot be used is refused before anything is written', () => {
  interface Case {
    readonly model?: TinyModel;
    /** What happens to the model's folder after it was written. */
    readonly spoil?: (folder: string) => Promise<void>;
    readonly code: ErrorCode;
    /** End of `where`, from the model's folder on. */
    readonly where: string;
    readonly expected: string | RegExp;
    readonly found: string | RegExp;
  }

  it.each<[string, Case]>([
    [
      'a missing shard',
      {
        model: { shards: 2 },
        spoil: (folder) => unlink(join(folder, second)),
        code: 'weights/missing-file',
        where: '',
        expected: second,
        found: 'only the other 1',
      },
    ],
    [
      'a truncated shard',
      {
        model: { shards: 2 },
        spoil: (folder) => truncate(join(folder, second), 100_000),
        code: 'weights/malformed',
        where: `/${second}, tensor model.layers.0.mlp.gate_proj.weight`,
        expected: /^offsets from 0 to \d+, the bytes that follow the header$/,
        found: '[0, 196608]',
      },
    ],
    [
      'a Git LFS pointer in place of a shard',
      {
        model: { shards: 2 },
        spoil: (folder) => writeFile(join(folder, second), LFS_POINTER),
        code: 'weights/lfs-pointer',
        where: `/${second}`,
        expected: /./,
        found: /./,
      },
    ],
    [
      'a Git LFS pointer in place of the tokenizer',
      {
        spoil: (folder) => writeFile(join(folder, 'tokenizer.json'), LFS_POINTER),
        code: 'tokenizer/invalid',
        where: '/tokenizer.json',
        expected: 'JSON',
        found: 'a Git LFS pointer in place of the file',
      },
    ],
    [
      'pickled weights',
      {
        spoil: async (folder) => {
          await unlink(join(folder, 'model.safetensors'));
          await writeFile(join(folder, 'pytorch_model.bin'), 'PK');
        },
        code: 'weights/pickled',
        where: '',
        expected: 'model.safetensors or its shards',
        found: 'pytorch_model.bin',
      },
    ],
    [
      'a missing tensor',
      {
        model: { change: (tensors) => tensors.filter(({ name }) => name !== q) },
        code: 'weights/missing-tensor',
        where: '',
        expected: q,
        found: '10 tensors without it',
      },
    ],
    [
      'a tensor of the wrong shape',
      {
        model: { change: mapTensor(q, (tensor) => ({ ...tensor, shape: [96, 384] })) },
        code: 'weights/wrong-shape',
        where: `/model.safetensors, tensor ${q}`,
        expected: '[192, 192]',
        found: '[96, 384]',
      },
    ],
    [
      'an unknown architecture',
      {
        model: { config: { architectures: ['MambaForCausalLM'], model_type: 'mamba' } },
        code: 'model/unsupported',
        where: '/config.json, model_type',
        expected: /LlamaForCausalLM|llama/,
        found: /mamba/i,
      },
    ],
    [
      'a tokenizer with more tokens than the model',
      {
        model: {
          config: { vocab_size: 4000 },
          change: mapTensor(TENSOR_NAMES.embedding, (tensor) => ({
            ...tensor,
            shape: [4000, 192],
            bytes: tensor.bytes.subarray(0, 2 * 4000 * 192),
          })),
        },
        code: 'tokenizer/does-not-fit',
        where: '/tokenizer.json',
        expected: "token ids below the model's vocabulary size, 4000",
        found: 'token id 4095',
      },
    ],
    [
      'no tokenizer',
      {
        spoil: (folder) => unlink(join(folder, 'tokenizer.json')),
        code: 'tokenizer/missing',
        where: '/tokenizer.json',
        expected: 'tokenizer.json',
        found: 'no such file',
      },
    ],
  ])('%s', async (_, { model: tiny, spoil, code, where, expected, found }) => {
    const folder = await writeTinyModel(freshPath(), tiny);
    await spoil?.(folder);
    const { error, left } = await refusal({ model: folder });
    expect(error.code).toBe(code);
    expect(error.where).toBe(folder + where);
    expect(error.expected).toMatch(expected);
    expect(error.found).toMatch(found);
    expect(error.remedy).toMatch(/./);
    expect(left).toBeUndefined();
  });
});

describe('a value that is not a number', () => {
  it('ends a run at the matrix that holds it; the record says so', async () => {
    const name = `${matrixName(1, 'down')}.weight`;
    const folder = await writeTinyModel(freshPath(), {
      blocks: 2,
      change: mapTensor(name, withNan(3 * 512 + 5)),
    });
    const out = freshPath();
    const error = await thrownBy(() =>
      quantizeModel({ model: folder, out, ...QUICK_TEXTS, evaluation: { windows: 0 } }),
    );
    expect(error).toMatchObject({
      code: 'weights/not-finite',
      where: `${folder}/model.safetensors, tensor ${name}, [row, column] [3, 5]`,
      found: 'NaN',
    });
    expect(error.remedy).toMatch(/./);
    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);
    expect(await statusOf(out)).toBe('failed');
    // The first block was done; each of its files is whole, and none of the second's is there.
    expect((await readdir(join(out, 'matrices'))).every((file) => file.startsWith('model.layers.0.'))).toBe(
      true,
    );
    await expect(evaluateModel({ model: out })).rejects.toMatchObject({
      code: 'result/malformed',
      found: 'status failed, 7 matrices',
    });
    await expect(exportQuantized({ source: out })).rejects.toMatchObject({ code: 'result/malformed' });
  });
});

/** The request with the path of the short text where it says SHORT. */
function withShortText(request: Partial<QuantizeRequest>, path: string): Partial<QuantizeRequest> {
  const { calibration, evaluation } = request;
  return {
    ...request,
    ...(calibration?.source === 'SHORT' ? { calibration: { ...calibration, source: path } } : {}),
    ...(evaluation?.source === 'SHORT' ? { evaluation: { ...evaluation, source: path } } : {}),
  };
}

describe('a request that cannot be met is refused before anything is written', () => {
  it.each<[string, Partial<QuantizeRequest>, ErrorCode, string, string, string]>([
    [
      'too little calibration text',
      { calibration: { source: 'SHORT', segments: 4, segmentLength: 128 } },
      'text/too-little',
      'SHORT',
      'a document of more than 128 tokens',
      '12 tokens in 1 document',
    ],
    [
      'too little evaluation text',
      { evaluation: { source: 'SHORT', contextLength: 128 } },
      'text/too-little',
      'SHORT',
      'at least 128 tokens, one window',
      '12 tokens',
    ],
    [
      'segments beyond the context of the model',
      { calibration: { segmentLength: 513 } },
      'request/invalid',
      '--segment-length',
      "at most the model's context, 512 tokens",
      '513 tokens',
    ],
    [
      'windows beyond the context of the model',
      { evaluation: { contextLength: 1024 } },
      'request/invalid',
      '--context',
      "at most the model's context, 512 tokens",
      '1024 tokens',
    ],
    [
      'more reservation than there are weights',
      { budget: { bits: 2, orBits: 2 } },
      'budget/out-of-range',
      '--bits 2 --or 2',
      '0 to 25 %',
      '40 %',
    ],
    [
      'reservation bits out of range',
      { budget: { bits: 2, orBits: 4.5 } },
      'request/invalid',
      'budget.orBits',
      'Too big: expected number to be <=4',
      '4.5',
    ],
    [
      'shares of more than half a column',
      { budget: { bits: 2, orShares: [30, 1] } },
      'request/invalid',
      'budget.orShares.0',
      'Too big: expected number to be <=25',
      '30',
    ],
    [
      'an average that the widths do not reach',
      { budget: { bits: 2.05, apWidths: [3, 4] } },
      'budget/cannot-be-met',
      '--bits 2.05 --ap-widths 3,4',
      'an average from 3 to 4 bits, the lower width first',
      '2.05 bits from widths 3 and 4',
    ],
    [
      'groups larger than any row',
      { method: 'gptq', budget: { bits: 4 }, groupSize: 513 },
      'request/invalid',
      '--group-size',
      'at most 512 columns',
      '513',
    ],
  ])('%s', async (_, request, code, where, expected, found) => {
    const short = join(work, 'short.txt');
    await writeFile(short, 'There was not much to be said of it.\n');
    const { error, left } = await refusal(withShortText(request, short));
    expect([error.code, error.where, error.expected, error.found]).toEqual([
      code,
      where.replace('SHORT', short),
      expected,
      found,
    ]);
    expect(error.remedy).toMatch(/./);
    expect(left).toBeUndefined();
  });

  it.each<[string, Partial<QuantizeRequest>, string]>([
    [
      'an engine that is not there',
      { engine: 'tensorflow-gpu' },
      'The engine tensorflow-gpu does not run here',
    ],
    [
      'half precision without TensorFlow',
      { engine: 'wasm', forwardPrecision: 'bfloat16' },
      'The forward pass in bfloat16 needs TensorFlow',
    ],
  ])('%s, and before any text is read', async (_, request, message) => {
    const out = freshPath();
    const phases: string[] = [];
    const refused = quantizeModel(
      { model, out, ...QUICK_TEXTS, ...request },
      { onProgress: ({ phase }) => phases.push(phase) },
    );
    await expect(refused).rejects.toMatchObject({ code: 'engine/backend-unavailable', message });
    expect(phases).toEqual([]);
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('a trace in a folder that is not there, and before any text is read', async () => {
    const out = freshPath();
    const trace = join(work, 'no-such-folder', 'trace.json');
    const phases: string[] = [];
    const refused = quantizeModel(
      { model, out, ...QUICK_TEXTS, trace },
      { onProgress: ({ phase }) => phases.push(phase) },
    );
    await expect(refused).rejects.toMatchObject({ code: 'output/not-writable', where: trace });
    expect(phases).toEqual([]);
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('names the field of a request that is none', async () => {
    const wrong = { ...QUICK_TEXTS, percdamp: 0 };
    const { error, left } = await refusal(wrong);
    expect(error).toMatchObject({ code: 'request/invalid', where: 'percdamp' });
    expect(left).toBeUndefined();
    const model = '';
    for (const call of [
      () => inspectModel({ model }),
      () => evaluateModel({ model }),
      () => exportQuantized({ source: model }),
    ]) {
      expect(await thrownBy(call)).toMatchObject({ code: 'request/invalid' });
    }
  });

  it('is called off with run/cancelled, also while it reads texts', async () => {
    const out = freshPath();
    const signal = AbortSignal.abort();
    expect(await thrownBy(() => quantizeModel({ model, out }, { signal }))).toMatchObject({
      code: 'run/cancelled',
    });
    expect(await thrownBy(() => evaluateModel({ model }, { signal }))).toMatchObject({
      code: 'run/cancelled',
    });
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
