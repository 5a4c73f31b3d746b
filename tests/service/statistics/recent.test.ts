import { expect, it } from 'vitest';
import { Recent } from '../../../main/service/statistics/recent.ts';

it('makes a value once, for all who ask meanwhile, and forgets the one that was asked for longest ago', async () => {
  const recent = new Recent<string>(2);
  const made: string[] = [];
  const ask = (name: string): Promise<string> =>
    recent.of(name, () => {
      made.push(name);
      return Promise.resolve(name.toUpperCase());
    });
  expect(await Promise.all([ask('a'), ask('a'), ask('b')])).toEqual(['A', 'A', 'B']);
  await ask('a');
  await ask('c');
  await ask('a');
  expect(made).toEqual(['a', 'b', 'c']);
  await ask('b');
  expect(made).toEqual(['a', 'b', 'c', 'b']);
});

it('tries again what failed', async () => {
  const recent = new Recent<number>(2);
  await expect(recent.of('a', () => Promise.reject(new Error('not today')))).rejects.toThrow('not today');
  expect(await recent.of('a', () => Promise.resolve(3))).toBe(3);
});
