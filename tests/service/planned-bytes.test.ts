import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Checkpoint } from '../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { plannedDenseBytes } from '../../main/service/planned-bytes.ts';
import { writeTinyModel } from './tiny-model.ts';

let work = '';
let checkpoint: Checkpoint;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-planned-'));
  const positions = { name: 'positions', dtype: 'I64', shape: [3], bytes: new Uint8Array(24) } as const;
  checkpoint = await openCheckpoint(
    await writeTinyModel(join(work, 'model'), { change: (tensors) => [...tensors, positions] }),
  );
});
afterAll(async () => {
  await checkpoint.close();
  await rm(work, { recursive: true });
});

it('counts the exported weights in the dtype that they are exported in, and other tensors as they are', () => {
  let weights = 0;
  for (const { shape } of checkpoint.tensors.values()) weights += shape.reduce((a, b) => a * b, 1);
  expect(new Set([...checkpoint.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
  expect(plannedDenseBytes(checkpoint, 'source')).toBe(2 * weights + 24);
  expect(plannedDenseBytes(checkpoint, 'f16')).toBe(2 * weights + 24);
  expect(plannedDenseBytes(checkpoint, 'f32')).toBe(4 * weights + 24);
});
