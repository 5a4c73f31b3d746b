import { mkdir, readFile, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { startEngine } from '../../main/engine/start-engine.ts';
import { loadTokenizer } from '../../main/engine/text/tokenizer.ts';
import { DEMO_MODEL } from '../../main/service/bundled-texts.ts';
import { methodSettings } from '../../main/service/method-settings.ts';
import { openRunFolder } from '../../main/service/run-folder.ts';
import { RunWriter } from '../../main/service/run-writer.ts';
import { calibrationSegments } from '../../main/service/texts.ts';
import { quantizeRequestSchema } from '../../shared/requests.ts';
import { type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';
import { QUICK_TEXTS } from './tiny-model.ts';

/** A writer of a run that has begun, in a folder of the test's own. */
async function startedRun(): Promise<RunWriter> {
  const settings = quantizeRequestSchema.parse({ model: DEMO_MODEL, ...QUICK_TEXTS });
  const folder = join(await temporaryFolder(), 'run');
  const checkpoint = await openCheckpoint(DEMO_MODEL);
  const engine = await startEngine({ threads: 1 });
  try {
    const { model } = checkpoint;
    const tokenizer = await loadTokenizer(checkpoint);
    const basis = {
      method: methodSettings(settings, model),
      checkpoint,
      files: {},
      calibration: await calibrationSegments(model, tokenizer, settings.calibration, {}),
      engine,
    };
    const run = await openRunFolder({ folder, model: DEMO_MODEL, budget: '4', neededBytes: 0 });
    onTestFinished(() => run.release());
    return await RunWriter.start(run, basis, performance.now(), undefined);
  } finally {
    await engine.stop();
    await checkpoint.close();
  }
}

async function recordOf({ folder }: RunWriter): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')));
}

const FIGURES = {
  nominalBits: 4,
  storedBits: 4,
  weights: 1,
  sourceBytes: 2,
  packedBytes: 1,
  loss: 0,
  before: null,
  after: null,
};

it('does not take a run for complete whose record could not be written', async () => {
  const writer = await startedRun();
  const path = join(writer.folder, 'run.json');
  const ended = writer.endedBy(async () => {
    // A folder cannot be replaced by a file.
    await rename(path, `${path}.aside`);
    await mkdir(path);
    try {
      await writer.complete(FIGURES, {});
    } finally {
      await rmdir(path);
      await rename(`${path}.aside`, path);
    }
  });
  await expect(ended).rejects.toMatchObject({ code: 'output/not-writable', where: path });
  const { status, result, soFar } = await recordOf(writer);
  expect([status, result]).toEqual(['failed', null]);
  expect(soFar).toMatchObject({ sessions: 1 });
});

it('says that a complete run is complete, also where what comes after fails', async () => {
  const writer = await startedRun();
  const ended = writer.endedBy(async () => {
    await writer.complete(FIGURES, {});
    throw new RangeError('the export');
  });
  await expect(ended).rejects.toThrow('the export');
  expect(await recordOf(writer)).toMatchObject({ status: 'complete', result: FIGURES, soFar: null });
});
