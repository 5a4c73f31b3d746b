import { describe, expect, it } from 'vitest';
import { PassingTrouble, realWait, withRetries } from '../../../main/service/hub/retries.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

/** Fails so many times, each with PassingTrouble. */
function failing(times: number): () => Promise<number> {
  let tries = 0;
  return () => (++tries > times ? Promise.resolve(tries) : Promise.reject(new PassingTrouble(`no ${tries}`)));
}

function retrying(signal?: AbortSignal) {
  const waits: number[] = [];
  const wait = (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
    return Promise.resolve();
  };
  return { waits, with: { host: 'hub', wait, patience: [1, 2], signal } };
}

describe('withRetries', () => {
  it('tries as often as there is patience for', async () => {
    const enough = retrying();
    expect(await withRetries(failing(2), enough.with)).toBe(3);
    expect(enough.waits).toEqual([1000, 2000]);
    const error = await thrownBy(() => withRetries(failing(3), retrying().with));
    expect(error).toMatchObject({ code: 'hub/unreachable', where: 'hub', found: 'no 3' });
  });

  it('begins its patience anew whenever a try got further', async () => {
    const { waits, with: settings } = retrying();
    const further = [false, true, false, true, false];
    const gotFurther = (): boolean => further.shift() ?? false;
    expect(await withRetries(failing(5), { ...settings, gotFurther })).toBe(6);
    expect(waits).toEqual([1000, 1000, 2000, 1000, 2000]);
  });

  it('lets other errors through at once', async () => {
    const { waits, with: settings } = retrying();
    const fault = new TypeError('a fault');
    await expect(withRetries(() => Promise.reject(fault), settings)).rejects.toBe(fault);
    expect(waits).toEqual([]);
  });

  it('can be called off while it waits', async () => {
    const controller = new AbortController();
    const attempt = (): Promise<never> => {
      queueMicrotask(() => controller.abort());
      return Promise.reject(new PassingTrouble('no', { askedSeconds: 60 }));
    };
    const { with: settings } = retrying(controller.signal);
    const error = await thrownBy(() => withRetries(attempt, { ...settings, wait: realWait }));
    expect(error.code).toBe('run/cancelled');
  });
});
