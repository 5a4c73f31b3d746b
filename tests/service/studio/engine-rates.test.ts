import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TYPICAL_RATES } from '../../../main/service/preflight/rates.ts';
import { EngineRates } from '../../../main/service/studio/engine-rates.ts';
import { Turn } from '../../../main/service/studio/turn.ts';

const REQUEST = { engine: 'wasm', threads: 2, forwardPrecision: 'float32' } as const;
const START = Date.parse('2026-03-01T08:00:00.000Z');
const MINUTE = 60_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-test-'));
  vi.useFakeTimers({ toFake: ['Date'], now: START });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

/** Rates of a machine on which other programs took so many cores, at one measurement after the other. */
function ratesBeside(...cores: number[]): { rates: EngineRates; turn: Turn; left: number[] } {
  const left = [...cores];
  const turn = new Turn();
  const rates = new EngineRates(folder, turn, () => {
    const otherCores = left.shift();
    if (otherCores === undefined) throw new Error('nothing more is to be measured');
    return Promise.resolve({
      engine: { name: 'wasm', description: 'WebAssembly SIMD, 1 thread' },
      threads: 2,
      forwardPrecision: 'float32',
      rates: TYPICAL_RATES,
      measuredAt: new Date().toISOString(),
      otherCores,
    });
  });
  return { rates, turn, left };
}

describe('rates', () => {
  it('of a calm machine are measured once, for later processes too', async () => {
    const measured = await ratesBeside(0.1).rates.of(REQUEST);
    expect(measured?.otherCores).toBe(0.1);
    vi.setSystemTime(START + 1000 * MINUTE);
    expect(await ratesBeside().rates.of(REQUEST)).toEqual(measured);
  });

  it('of a busy machine are measured again, not at once, until it is calm', async () => {
    const { rates, left } = ratesBeside(1.5, 0.2);
    expect((await rates.of(REQUEST))?.otherCores).toBe(1.5);
    vi.setSystemTime(START + MINUTE - 1);
    expect((await rates.of(REQUEST))?.otherCores).toBe(1.5);
    vi.setSystemTime(START + MINUTE);
    expect((await rates.of(REQUEST))?.otherCores).toBe(0.2);
    vi.setSystemTime(START + 5 * MINUTE);
    expect((await rates.of(REQUEST))?.otherCores).toBe(0.2);
    expect(left).toEqual([]);
  });

  it('of the calmest moment stay, where it is never calm', async () => {
    const { rates } = ratesBeside(1, 1.8);
    await rates.of(REQUEST);
    vi.setSystemTime(START + MINUTE);
    expect((await rates.of(REQUEST))?.otherCores).toBe(1);
    // The second measurement counts as one: the next is not before another minute.
    vi.setSystemTime(START + 2 * MINUTE - 1);
    expect((await rates.of(REQUEST))?.otherCores).toBe(1);
  });

  it('of a busy machine are better than none while the engine is at work', async () => {
    const { rates, turn } = ratesBeside(1.5);
    await rates.of(REQUEST);
    vi.setSystemTime(START + MINUTE);
    const work = Promise.withResolvers<undefined>();
    const working = turn.take(() => work.promise);
    expect((await rates.of(REQUEST))?.otherCores).toBe(1.5);
    expect(await rates.of({ ...REQUEST, threads: 1 })).toBeUndefined();
    work.resolve(undefined);
    await working;
  });
});
