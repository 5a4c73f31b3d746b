import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateModel } from '../../main/service/evaluate.ts';
import { quantizeModel } from '../../main/service/quantize.ts';
import { QUICK_TEXTS, writeTinyModel } from './tiny-model.ts';

let work = '';
let model = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-activation-memory-'));
  model = await writeTinyModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true }));

describe('a run without memory for hidden states', () => {
  it('keeps them in its folder while it goes on, and makes the same matrices', async () => {
    const request = { model, budget: { bits: 2 }, threads: 2, exportDtype: undefined, ...QUICK_TEXTS };
    const notes: string[] = [];
    const [inMemory, onDisk] = [join(work, 'in-memory'), join(work, 'on-disk')];
    const usual = await quantizeModel({ ...request, out: inMemory });
    const spilled = await quantizeModel(
      { ...request, out: onDisk, hostMemory: 0 },
      { onNote: (line) => notes.push(line) },
    );
    // Two windows of 128 tokens of 192 values for the original model; then also four segments of 192 + 512.
    expect(notes.slice(1)).toEqual([
      `Hidden states do not fit in memory: 197 kB of 197 kB go to ${onDisk}`,
      `Hidden states do not fit in memory: 1.64 MB of 1.64 MB go to ${onDisk}`,
    ]);
    expect([spilled.before, spilled.after]).toEqual([usual.before, usual.after]);
    expect((await readdir(onDisk)).toSorted()).toEqual((await readdir(inMemory)).toSorted());
    for (const name of await readdir(join(inMemory, 'matrices'))) {
      const [expected, found] = [inMemory, onDisk].map((run) => readFile(join(run, 'matrices', name)));
      expect((await found)?.equals((await expected) ?? Buffer.of())).toBe(true);
    }
    const measured = await evaluateModel({
      model,
      windows: 2,
      contextLength: 128,
      threads: 2,
      hostMemory: 0,
    });
    expect(measured.perplexity).toBe(usual.before?.perplexity);
  });

  it('has at least none', async () => {
    const refused = quantizeModel({ model, out: join(work, 'refused'), hostMemory: -1 });
    await expect(refused).rejects.toMatchObject({ code: 'request/invalid' });
  });
});
