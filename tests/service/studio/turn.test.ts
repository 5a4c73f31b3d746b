import { describe, expect, it } from 'vitest';
import { Turn } from '../../../main/service/studio/turn.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

/** Work that ends when the test says so. */
function controlled(): { readonly work: () => Promise<string>; readonly finish: () => void } {
  const end = Promise.withResolvers<string>();
  return { work: () => end.promise, finish: () => end.resolve('done') };
}

describe('a turn', () => {
  it('comes in the order of asking, also behind what has failed', async () => {
    const turn = new Turn();
    const order: number[] = [];
    const first = turn.take(() => Promise.reject(new Error('broken')));
    const others = [1, 2].map((number) => turn.take(() => Promise.resolve(order.push(number))));
    await expect(first).rejects.toThrow('broken');
    await Promise.all(others);
    expect(order).toEqual([1, 2]);
    expect(turn.free).toBe(true);
  });

  it('is not waited for by what is called off; those behind still wait for whoever is at work', async () => {
    const turn = new Turn();
    const { work, finish } = controlled();
    const atWork = turn.take(work);
    const cancellation = new AbortController();
    const begun: string[] = [];
    const calledOff = turn.take(() => Promise.resolve(begun.push('called off')), cancellation.signal);
    const behind = turn.take(() => Promise.resolve(begun.push('behind')));
    cancellation.abort();
    expect(await thrownBy(() => calledOff)).toMatchObject({ code: 'run/cancelled' });
    expect([begun, turn.free]).toEqual([[], false]);
    finish();
    expect(await atWork).toBe('done');
    await behind;
    expect([begun, turn.free]).toEqual([['behind'], true]);
  });

  it('is not begun by what was called off before it asked, and stays free', async () => {
    const turn = new Turn();
    const begun: string[] = [];
    const asked = turn.take(() => Promise.resolve(begun.push('begun')), AbortSignal.abort());
    expect(await thrownBy(() => asked)).toMatchObject({ code: 'run/cancelled' });
    expect(begun).toEqual([]);
    await turn.take(() => Promise.resolve());
    expect(turn.free).toBe(true);
  });
});
