import { expect, it } from 'vitest';
import { inEngineThread } from '../../../main/service/engine-thread/run-in-thread.ts';
import { measuredRatesSchema } from '../../../main/service/preflight/measured-rates.ts';
import { runTimes } from '../../../main/service/preflight/run-times.ts';
import { budgetOfBits } from '../../../shared/budget.ts';
import { budgetForAll } from '../../../shared/model-budget.ts';
import { DEMO_DESCRIPTION } from '../../known-models.ts';

it('measures the rates of all that a run does, in the thread of the engine', async () => {
  const measured = await inEngineThread('rates', { engine: 'wasm', threads: 2 });
  expect(measured.engine.name).toBe('wasm');
  expect(measured.threads).toBe(2);
  // As it is kept: in JSON.
  expect(measuredRatesSchema.parse(JSON.parse(JSON.stringify(measured)))).toEqual(measured);
  const times = runTimes(
    {
      model: DEMO_DESCRIPTION,
      method: { method: 'claq', budget: budgetForAll(budgetOfBits(2.12)), columnOrder: 'benefit' },
      segments: { count: 24, length: 512 },
      windows: { count: 16, length: 512 },
      engine: 'wasm',
      threads: 2,
    },
    measured.rates,
  );
  // Only claq-plus has these.
  const { allocation, strength, ...parts } = times;
  expect({ allocation, strength }).toEqual({ allocation: 0, strength: 0 });
  for (const seconds of Object.values(parts)) {
    expect(seconds).toBeGreaterThan(0);
    // Everything together takes half a minute; an hour would be a unit that was lost.
    expect(seconds).toBeLessThan(3600);
  }
});

it('can be called off', async () => {
  const signal = AbortSignal.abort();
  await expect(inEngineThread('rates', { engine: 'wasm', threads: 1 }, { signal })).rejects.toMatchObject({
    code: 'run/cancelled',
  });
});
