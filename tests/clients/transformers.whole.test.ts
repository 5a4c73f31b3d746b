/** What transformers makes of our exports, and safetensors of our files: one process of Python answers for all tests here. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { openSafetensors } from '../../main/engine/checkpoint/safetensors-file.ts';
import { LENGTH_BYTES } from '../../main/engine/checkpoint/safetensors-header.ts';
import { denseFormat } from '../../main/engine/export/dense.ts';
import { type PackedExport, packedFormat } from '../../main/engine/packed-model/packed-format.ts';
import { DEMO_MODEL } from '../../main/service/bundled-texts.ts';
import { BROKEN_HEADERS } from '../engine/checkpoint/broken-headers.ts';
import { randomExport } from '../engine/packed-model/packed-folder.ts';
import { quickMatrix, quickRun, randomQuickMatrix } from '../engine/packed-model/quick-run.ts';
import { startTestBackend } from '../engine/tensors/test-backend.ts';
import { folderTokenizer } from '../engine/text/folder-tokenizer.ts';
import { largest, largestDifference } from '../engine/transformer/difference.ts';
import { windowLogits } from '../engine/transformer/window-logits.ts';
import { FAMILY_MODELS, familyFolder, readExpected } from '../golden/families.ts';
import { Random } from '../oracle/random.ts';
import { pythonForTests } from './python.ts';

const python = await pythonForTests();
const work = await mkdtemp(join(tmpdir(), 'claq-transformers-'));
afterAll(() => rm(work, { recursive: true, force: true }));

/** As for models that are not quantized (tests/engine/transformer/families.whole.test.ts). */
const TOLERANCE = 7e-6;

const RANDOM_MODELS = 12;
const TEXT = 'The old captain looked at the sea.';

const comparedSchema = z.strictObject({
  class: z.string(),
  denseClass: z.string(),
  packedLayers: z.int(),
  differences: z.array(z.string()),
  config: z.boolean(),
  greedy: z
    .strictObject({ packed: z.array(z.int()), decoded: z.array(z.int()), dense: z.array(z.int()) })
    .optional(),
  changedByCasts: z.array(z.string()).optional(),
  savedDifferences: z.array(z.string()).optional(),
  textIds: z.array(z.int()).optional(),
  devicesOnCuda: z.array(z.string()),
});
const refusedSchema = z.strictObject({ type: z.string(), message: z.string() });
const filesSchema = z.array(z.string().nullable());

interface Job extends Readonly<Record<string, unknown>> {
  readonly name: string;
}
const jobs: Job[] = [];
let answers: ReadonlyMap<string, unknown> = new Map();

/** Writes the packed and the dense model of a run into two folders. */
async function writeBoth(request: PackedExport, name: string): Promise<{ packed: string; dense: string }> {
  const [packed, dense] = [join(work, name, 'packed'), join(work, name, 'dense')];
  const formats = [
    [packed, await packedFormat(request)],
    [dense, denseFormat({ ...request, dtype: 'source' })],
  ] as const;
  for (const [folder, format] of formats) {
    await mkdir(folder, { recursive: true });
    for (const file of format.files) await file.write(folder, () => undefined);
    await format.writeSmallFiles(folder);
  }
  return { packed, dense };
}

/** Every second column of 3 bits, the others of 2; 1 % and 3 % reserved. */
async function demoRun(): Promise<PackedExport> {
  const checkpoint = await openCheckpoint(DEMO_MODEL);
  return await quickRun(checkpoint, join(work, 'demo', 'matrices'), (weights, shape) =>
    quickMatrix(weights, shape, {
      widths: Uint8Array.from({ length: shape.columns }, (_, column) => 2 + (column % 2)),
      reserved: Int32Array.from({ length: shape.columns }, (_, column) =>
        Math.round(shape.rows * (column % 3 === 0 ? 0.03 : 0.01)),
      ),
    }),
  );
}

async function prepareModels(): Promise<void> {
  for (const [index, name] of FAMILY_MODELS.entries()) {
    const checkpoint = await openCheckpoint(familyFolder(name));
    const random = new Random(index);
    const request = await quickRun(checkpoint, join(work, name, 'matrices'), (weights, shape) =>
      randomQuickMatrix(random, weights, shape),
    );
    const ids = [...((await readExpected(name)).windows[0] ?? [])];
    const questions = { ids, prompt: ids.slice(0, 8), count: 12, logits: join(work, name, 'logits') };
    jobs.push({ name, ...(await writeBoth(request, name)), ...questions });
    await checkpoint.close();
  }
  for (let seed = 0; seed < RANDOM_MODELS; seed++) {
    const name = `random ${seed}`;
    const request = await randomExport(seed, join(work, name));
    jobs.push({ name, ...(await writeBoth(request, name)) });
    await request.checkpoint.close();
  }
  const demo = await demoRun();
  const tokenizer = await folderTokenizer(DEMO_MODEL, demo.checkpoint.model);
  const ids = [...tokenizer.encode(TEXT, { special: true })];
  const questions = { ids, prompt: ids, count: 32, logits: join(work, 'demo', 'logits'), text: TEXT };
  jobs.push({ name: 'demo', ...(await writeBoth(demo, 'demo')), ...questions });
  await demo.checkpoint.close();
}

/** Packed models that something is wrong with, by what it is. */
const DAMAGED: readonly (readonly [string, RegExp, string, string])[] = [
  ['a later form', /"version": 1/, '"version": 2', 'has form 2, and this loader reads form 1'],
  ['no form', /"claq": \{/, '"clack": {', 'has no key claq'],
  ['codes of another size', /(?<start>"codes":\[)\d+/, '$<start>7', 'codes has the size ['],
  [
    'an unknown family',
    /("version": 1,\s*"model_type": )"llama"/,
    '$1"lama"',
    'does not know models of the type lama',
  ],
];

const FLIPPED = 'a flipped bit';
let flippedTensor: string | undefined;

async function prepareDamaged(): Promise<void> {
  const packed = join(work, 'llama', 'packed');
  for (const [name, from, to] of DAMAGED) {
    const folder = join(work, 'damaged', name);
    await mkdir(folder, { recursive: true });
    for (const file of ['model.safetensors', 'modeling_claq.py']) {
      await writeFile(join(folder, file), await readFile(join(packed, file)));
    }
    const config = await readFile(join(packed, 'config.json'), 'utf8');
    const changed = config.replace(from, to);
    expect(changed).not.toBe(config);
    await writeFile(join(folder, 'config.json'), changed);
    jobs.push({ name, refused: folder });
  }
  const flipped = join(work, 'damaged', FLIPPED);
  await cp(packed, flipped, { recursive: true });
  const path = join(flipped, 'model.safetensors');
  const weights = await openSafetensors(path);
  const codes = [...weights.header.tensors.values()].filter(({ name }) => name.endsWith('.codes')).at(-1);
  await weights.close();
  const bytes = await readFile(path);
  const at = codes?.position ?? NaN;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(path, bytes);
  flippedTensor = codes?.name;
  jobs.push({ name: FLIPPED, refused: flipped });
}

async function prepareHeaders(): Promise<void> {
  await mkdir(join(work, 'headers'));
  const files: string[] = [];
  for (const [index, [, json, dataBytes]] of BROKEN_HEADERS.entries()) {
    const text = Buffer.from(json);
    const file = Buffer.alloc(LENGTH_BYTES + text.length + dataBytes);
    file.writeBigUInt64LE(BigInt(text.length));
    text.copy(file, LENGTH_BYTES);
    files.push(join(work, 'headers', `${index}.safetensors`));
    await writeFile(files[index] ?? '', file);
  }
  jobs.push({ name: 'headers', files });
  const own = ['demo', 'llama'].flatMap((name) => ['packed', 'dense'].map((kind) => join(work, name, kind)));
  jobs.push({ name: 'own files', files: own.map((folder) => join(folder, 'model.safetensors')) });
}

describe.skipIf('missing' in python)('exports in Python', () => {
  beforeAll(async () => {
    if ('missing' in python) return;
    await startTestBackend();
    await prepareModels();
    await prepareDamaged();
    await prepareHeaders();
    const file = join(work, 'jobs.json');
    await writeFile(file, JSON.stringify(jobs));
    const printed = await python.run(join(import.meta.dirname, 'load_packed.py'), [file]);
    const parsed = z.array(z.unknown()).parse(JSON.parse(printed));
    answers = new Map(jobs.map(({ name }, index) => [name, parsed[index]]));
  });

  describe.each([...FAMILY_MODELS, 'demo'])('%s, packed', (name) => {
    const compared = (): z.infer<typeof comparedSchema> => comparedSchema.parse(answers.get(name));

    it('is loaded by its own loader, and decoded equals the dense export to the last bit', () => {
      expect(compared()).toMatchObject({
        class: `Claq${compared().denseClass}`,
        differences: [],
        savedDifferences: [],
        config: true,
        changedByCasts: [],
      });
      expect(compared().packedLayers).toBeGreaterThan(0);
    });

    it('computes on the device that it was moved to, nothing beside', () => {
      expect(compared().devicesOnCuda).toEqual(['cuda:0']);
    });

    it('gives our own logits within rounding', async () => {
      const checkpoint = await openCheckpoint(join(work, name, 'packed'));
      const ids = z.array(z.int()).parse(jobs.find((job) => job.name === name)?.['ids']);
      const ours = await windowLogits(checkpoint, Int32Array.from(ids));
      await checkpoint.close();
      const { buffer } = new Uint8Array(await readFile(join(work, name, 'logits')));
      const theirs = new Float32Array(buffer);
      expect(theirs.length).toBe(ours.length);
      expect(largestDifference(ours, theirs)).toBeLessThan(TOLERANCE * largest(theirs));
    });

    it('is continued by the same tokens as what is decoded of it', () => {
      const { greedy } = compared();
      expect(greedy?.packed).toEqual(greedy?.decoded);
      expect(greedy?.packed.length).toBeGreaterThan(0);
    });
  });

  it('the dense demo model is continued by the same tokens, and its tokenizer is ours', () => {
    const { greedy, textIds } = comparedSchema.parse(answers.get('demo'));
    expect(greedy?.dense).toEqual(greedy?.packed);
    expect(textIds).toEqual(jobs.find(({ name }) => name === 'demo')?.['ids']);
  });

  it.each(Array.from({ length: RANDOM_MODELS }, (_, seed) => seed))(
    'a model of any shape and budget (%i) is decoded to the dense one',
    (seed) => {
      const { differences, devicesOnCuda } = comparedSchema.parse(answers.get(`random ${seed}`));
      expect(differences).toEqual([]);
      expect(devicesOnCuda).toEqual(['cuda:0']);
    },
  );

  it.each(DAMAGED)('a packed model with %s is refused clearly', (name, _from, _to, message) => {
    expect(refusedSchema.parse(answers.get(name)).message).toContain(message);
  });

  it('a packed model with a flipped bit is refused, and which tensor has it', () => {
    const { message } = refusedSchema.parse(answers.get(FLIPPED));
    expect(message).toContain(`${String(flippedTensor)} of model.safetensors is not as it was written`);
  });

  it('safetensors reads our files, and none of those that we refuse', () => {
    expect(filesSchema.parse(answers.get('own files'))).toEqual([null, null, null, null]);
    const read = filesSchema.parse(answers.get('headers'));
    // Two it takes all the same: the format asks for { as the first byte, and for no key twice.
    const taken = BROKEN_HEADERS.filter((_, index) => read[index] === null).map(([name]) => name);
    expect(taken).toEqual(['a space in front', 'a key twice']);
  });
});
