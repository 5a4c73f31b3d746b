import { mkdtemp, realpath, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Studio } from '../../../main/service/studio/studio.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { type ModelCard, modelIdSchema } from '../../../shared/library.ts';
import type { RunHooks, SensitivityRequest } from '../../../shared/requests.ts';
import type { SensitivitySummary } from '../../../shared/summaries.ts';
import { SENSITIVITY } from '../store/samples.ts';
import { writeTinyModel } from '../tiny-model.ts';
import { ControlledEngine } from './controlled-engine.ts';
import { type StudioClient, activityIn, codeOf, openTestStudio } from './open-test-studio.ts';

interface Measuring {
  readonly request: SensitivityRequest;
  readonly hooks: RunHooks;
  finish(): void;
}

let folder: string;
let engine: ControlledEngine;
let measurings: Measuring[];
let begun: PromiseWithResolvers<undefined>;
let studio: Studio;
let client: StudioClient;
let model: ModelCard;

function measure(request: SensitivityRequest, hooks: RunHooks): Promise<SensitivitySummary> {
  const end = Promise.withResolvers<SensitivitySummary>();
  const cancelled = (): void => end.reject(new ClaqError('run/cancelled', 'Called off'));
  hooks.signal?.addEventListener('abort', cancelled, { once: true });
  const finish = (): void => end.resolve({ ...SENSITIVITY, model: request.model, seconds: 1 });
  measurings.push({ request, hooks, finish });
  begun.resolve(undefined);
  return end.promise;
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  engine = new ControlledEngine();
  measurings = [];
  begun = Promise.withResolvers();
  const tasks = { quantize: engine.quantize, sensitivity: measure };
  ({ studio, client } = await openTestStudio(join(folder, 'data'), tasks));
  model = await client.models.addFolder({ folder: await writeTinyModel(join(folder, 'model')) });
});
afterEach(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

const id = () => ({ id: model.id });

/** The latest measuring, once it has begun. */
async function measuring(): Promise<Measuring> {
  await begun.promise;
  const latest = measurings.at(-1);
  if (latest === undefined) throw new Error('nothing was begun');
  begun = Promise.withResolvers();
  return latest;
}

async function measured(): Promise<void> {
  const { activity } = await client.models.measureSensitivity(id());
  (await measuring()).finish();
  await activityIn(client, activity, 'done');
}

const touch = (): Promise<void> => utimes(join(model.folder, 'model.safetensors'), 1000, 1000);

describe('the sensitivity of a model', () => {
  it('is measured as the settings say, once for all who ask, kept, and told', async () => {
    expect(await client.models.sensitivity(id())).toBeNull();
    await client.settings.change({ threads: 3, hostMemory: 2, calibrationText: '/texts/own.txt' });
    const change = (await client.program.changes()).next();
    const { activity } = await client.models.measureSensitivity(id());
    expect(await client.models.measureSensitivity(id())).toEqual({ activity });
    const { request, hooks, finish } = await measuring();
    expect(request).toEqual({
      ...{ model: model.folder, engine: 'auto', forwardPrecision: 'float32' },
      ...{ text: '/texts/own.txt', threads: 3, hostMemory: 2 },
    });
    hooks.onProgress?.({ phase: 'Measuring sensitivity', done: 1, total: 4, unit: 'tokens' });
    expect(await activityIn(client, activity, 'running')).toMatchObject({
      ...{ kind: 'sensitivity', title: 'model, sensitivity', modelId: model.id },
      pace: { progress: { phase: 'Measuring sensitivity', done: 1 } },
    });
    finish();
    await activityIn(client, activity, 'done');
    expect(await client.models.sensitivity(id())).toEqual(SENSITIVITY);
    expect((await change).value).toEqual({ topic: 'statistics' });
    expect(measurings).toHaveLength(1);
  });

  it('is not known any more where the weights are others', async () => {
    await measured();
    await touch();
    expect(await client.models.sensitivity(id())).toBeNull();
  });

  it('is not kept where the weights were changed meanwhile', async () => {
    const { activity } = await client.models.measureSensitivity(id());
    const { finish } = await measuring();
    await touch();
    finish();
    expect((await activityIn(client, activity, 'failed')).error?.code).toBe('model/changed');
    expect(await client.models.sensitivity(id())).toBeNull();
  });

  it('waits for the engine, and can be called off while it waits', async () => {
    await client.runs.start({ modelId: model.id, choices: { budget: { bits: 2 } } });
    const run = await engine.run(0);
    const { activity } = await client.models.measureSensitivity(id());
    await activityIn(client, activity, 'waiting');
    await client.activities.cancel({ id: activity });
    await activityIn(client, activity, 'cancelled');
    expect(measurings).toEqual([]);
    const again = await client.models.measureSensitivity(id());
    await activityIn(client, again.activity, 'waiting');
    run.finish();
    (await measuring()).finish();
    await activityIn(client, again.activity, 'done');
  });

  it('can be called off, and leaves what was known', async () => {
    await measured();
    const { activity } = await client.models.measureSensitivity(id());
    await measuring();
    await client.activities.cancel({ id: activity });
    await activityIn(client, activity, 'cancelled');
    expect(await client.models.sensitivity(id())).toEqual(SENSITIVITY);
  });

  it('is called off where the model is removed', async () => {
    const { activity } = await client.models.measureSensitivity(id());
    await measuring();
    await client.models.remove(id());
    await activityIn(client, activity, 'cancelled');
  });

  it('is of models of the library alone', async () => {
    const gone = { id: modelIdSchema.parse(99) };
    expect(await codeOf(client.models.measureSensitivity(gone))).toBe('library/not-found');
    expect(await codeOf(client.models.sensitivity(gone))).toBe('library/not-found');
  });
});
