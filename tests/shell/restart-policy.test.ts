import { expect, it } from 'vitest';
import { RestartPolicy } from '../../main/shell/restart-policy.ts';

const LIMITS = { times: 3, windowMilliseconds: 600_000, delayMilliseconds: 500 };

it('waits longer each time, and gives up at the fourth death in ten minutes', () => {
  let now = 0;
  const policy = new RestartPolicy(LIMITS, () => now);
  const waits = [0, 60_000, 120_000, 180_000].map((at) => {
    now = at;
    return policy.next();
  });
  expect(waits).toEqual([500, 1000, 1500, undefined]);
});

it('forgets what is longer ago', () => {
  let now = 0;
  const policy = new RestartPolicy(LIMITS, () => now);
  const waits = [0, 1000, 2000, 600_000, 601_500].map((at) => {
    now = at;
    return policy.next();
  });
  expect(waits).toEqual([500, 1000, 1500, 1500, 1500]);
});

it('begins anew where somebody asks for another start', () => {
  const policy = new RestartPolicy({ ...LIMITS, times: 1 }, () => 0);
  expect([policy.next(), policy.next()]).toEqual([500, undefined]);
  policy.reset();
  expect(policy.next()).toBe(500);
});
