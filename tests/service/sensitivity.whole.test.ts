import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { measureSensitivity } from '../../main/engine/sensitivity/measure-sensitivity.ts';
import { startEngine } from '../../main/engine/start-engine.ts';
import { openCorpus } from '../../main/engine/text/corpus.ts';
import { drawSegments } from '../../main/engine/text/segments.ts';
import { loadTokenizer } from '../../main/engine/text/tokenizer.ts';
import { BUNDLED_CALIBRATION } from '../../main/service/bundled-texts.ts';
import { modelSensitivity } from '../../main/service/sensitivity.ts';
import type { ActivityId } from '../../shared/activity.ts';
import type { Progress } from '../../shared/progress.ts';
import type { ModelSensitivity } from '../../shared/sensitivity.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { type StudioClient, openTestStudio } from './studio/open-test-studio.ts';
import { writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
beforeAll(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'claq-test-')));
  model = await writeTinyModel(join(work, 'model'), { blocks: 2 });
});
afterAll(() => rm(work, { recursive: true }));

/** On the first of the 128 segments that a run of default choices draws. */
async function ownFigures(): Promise<Pick<ModelSensitivity, 'tokens' | 'matrices'>> {
  const checkpoint = await openCheckpoint(model);
  const engine = await startEngine({ engine: 'wasm', threads: undefined, forwardPrecision: 'float32' });
  try {
    const { segments } = await drawSegments(
      await openCorpus([BUNDLED_CALIBRATION]),
      await loadTokenizer(checkpoint),
      {
        ...{ segments: 128, length: 512, seed: 0, documents: 'separate' },
        phase: 'Reading',
      },
    );
    const { tokens, matrices } = await measureSensitivity({ checkpoint, segments: segments.slice(0, 4) });
    return {
      tokens,
      matrices: matrices.map(({ block, kind, mean, median }) => ({ block, kind, mean, median })),
    };
  } finally {
    await engine.stop();
    await checkpoint.close();
  }
}

async function done(client: StudioClient, activity: ActivityId): Promise<void> {
  for await (const list of await client.activities.watch()) {
    const found = list.find(({ id }) => id === activity);
    if (found?.state === 'done') return;
    if (found !== undefined && found.error !== null) throw new Error(found.error.message);
  }
}

describe('modelSensitivity', () => {
  it("is kept in the library as measureSensitivity finds it on a run's first 2048 tokens", async () => {
    const expected = await ownFigures();
    expect(expected.tokens).toBe(4 * 511);
    expect(expected.matrices).toHaveLength(14);
    const { studio, client } = await openTestStudio(join(work, 'data'));
    try {
      await client.settings.change({ engine: 'wasm' });
      const { id } = await client.models.addFolder({ folder: model });
      await done(client, (await client.models.measureSensitivity({ id })).activity);
      const found = await client.models.sensitivity({ id });
      expect(found).toMatchObject({
        ...expected,
        ...{ segments: 4, segmentLength: 512, text: BUNDLED_CALIBRATION, forwardPrecision: 'float32' },
      });
    } finally {
      await studio.close();
    }
  });

  it('tells how it goes, and ends when it is called off', async () => {
    const cancellation = new AbortController();
    const phases = new Set<string>();
    const onProgress = ({ phase }: Progress): void => {
      phases.add(phase);
      if (phase === 'Measuring sensitivity') cancellation.abort();
    };
    const error = await thrownBy(() =>
      modelSensitivity({ model, engine: 'wasm' }, { onProgress, signal: cancellation.signal }),
    );
    expect(error).toMatchObject({ code: 'run/cancelled' });
    const reading = ['Reading the calibration text', 'Drawing calibration segments'];
    expect([...phases]).toEqual([...reading, 'Measuring sensitivity']);
  });
});
