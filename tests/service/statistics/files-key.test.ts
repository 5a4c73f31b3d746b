import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { filesKey } from '../../../main/service/statistics/files-key.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-test-'));
  await writeFile(join(folder, 'model.safetensors'), 'weights');
  await utimes(join(folder, 'model.safetensors'), 1000, 1000);
});
afterEach(() => rm(folder, { recursive: true }));

it('stays where the weights do, whatever else lies in the folder', async () => {
  const before = await filesKey(folder);
  await writeFile(join(folder, 'README.md'), 'more');
  expect(await filesKey(folder)).toBe(before);
  expect(before).toMatch(/^[0-9a-f]{64}$/);
});

it('is another with another size, time or name', async () => {
  const weights = join(folder, 'model.safetensors');
  const before = await filesKey(folder);
  await utimes(weights, 1000, 1000.001);
  const touched = await filesKey(folder);
  await writeFile(weights, 'weights!');
  await utimes(weights, 1000, 1000);
  const longer = await filesKey(folder);
  await rm(weights);
  await writeFile(join(folder, 'a.safetensors'), 'weights');
  await utimes(join(folder, 'a.safetensors'), 1000, 1000);
  const index = { weight_map: { tensor: 'a.safetensors' } };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
  const renamed = await filesKey(folder);
  expect(new Set([before, touched, longer, renamed]).size).toBe(4);
});

it('needs the weights', async () => {
  await rm(join(folder, 'model.safetensors'));
  await expect(filesKey(folder)).rejects.toMatchObject({ code: 'weights/missing-file' });
});
