import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import { OpenCheckpoints } from '../../../main/service/studio/open-checkpoints.ts';
import { TENSOR_NAMES } from '../../../shared/model.ts';

let checkpoints: OpenCheckpoints;
beforeEach(() => {
  checkpoints = new OpenCheckpoints();
});
afterEach(() => checkpoints.close());

function opened(filesKey = 'files'): Promise<Checkpoint> {
  return checkpoints.read(DEMO_MODEL, filesKey, (checkpoint) => Promise.resolve(checkpoint));
}

function readNorm(checkpoint: Checkpoint): Promise<Float32Array> {
  return checkpoint.read(TENSOR_NAMES.finalNorm);
}

it('opens once for one who reads again', async () => {
  const [first, second] = await Promise.all([opened(), opened()]);
  expect(second).toBe(first);
  expect(await opened()).toBe(first);
  expect(await readNorm(first)).toHaveLength(192);
});

it('opens anew where the files are others, and closes the old ones', async () => {
  const before = await opened('old');
  const after = await opened('new');
  expect(after).not.toBe(before);
  await expect(readNorm(before)).rejects.toThrow();
  expect(await readNorm(after)).toHaveLength(192);
});

it('closes what is forgotten, but not while it is read', async () => {
  const gate = Promise.withResolvers<undefined>();
  const reading = checkpoints.read(DEMO_MODEL, 'files', async (checkpoint) => {
    await gate.promise;
    return { checkpoint, norm: await readNorm(checkpoint) };
  });
  await checkpoints.forget(DEMO_MODEL);
  gate.resolve(undefined);
  const { checkpoint, norm } = await reading;
  expect(norm).toHaveLength(192);
  await expect(readNorm(checkpoint)).rejects.toThrow();
});

it('says why a folder cannot be opened, each time', async () => {
  for (let time = 0; time < 2; time++) {
    const read = checkpoints.read('/no/such/folder', 'files', () => Promise.resolve(undefined));
    await expect(read).rejects.toMatchObject({ code: 'model/not-a-model-folder' });
  }
});
