import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PageRecovery } from '../../main/shell/page-recovery.ts';
import { RestartPolicy } from '../../main/shell/restart-policy.ts';

/** One whose page may die twice before the user is asked; the test answers. */
function watched(): {
  recovery: PageRecovery;
  said: string[];
  answer: (choice: 'reload' | 'quit') => Promise<void>;
} {
  const said: string[] = [];
  let question = Promise.withResolvers<'reload' | 'quit'>();
  const recovery = new PageRecovery({
    policy: new RestartPolicy({ times: 2, windowMilliseconds: 600_000, delayMilliseconds: 0 }),
    reload: () => said.push('reloaded'),
    ask() {
      said.push('asked');
      question = Promise.withResolvers();
      return question.promise;
    },
    quit: () => said.push('quit'),
  });
  const answer = async (choice: 'reload' | 'quit'): Promise<void> => {
    question.resolve(choice);
    await reloads();
  };
  return { recovery, said, answer };
}

/** Whatever is loaded without being asked for has been loaded by then. */
const reloads = (): Promise<void> => delay(10);

async function dies(recovery: PageRecovery): Promise<void> {
  recovery.died();
  await reloads();
}

it('loads a page that died again, and asks where it dies again and again', async () => {
  const { recovery, said, answer } = watched();
  await dies(recovery);
  await dies(recovery);
  expect(said.splice(0)).toEqual(['reloaded', 'reloaded']);
  await dies(recovery);
  expect(said.splice(0)).toEqual(['asked']);
  await answer('reload');
  expect(said.splice(0)).toEqual(['reloaded']);
  // It has as many lives as at the start.
  await dies(recovery);
  await dies(recovery);
  await dies(recovery);
  expect(said.splice(0)).toEqual(['reloaded', 'reloaded', 'asked']);
  await answer('quit');
  expect(said).toEqual(['quit']);
});

it('loads a page that is gone for whoever wants to see it, once', async () => {
  const { recovery, said } = watched();
  recovery.wanted();
  expect(said).toEqual([]);
  recovery.died();
  recovery.wanted();
  recovery.wanted();
  expect(said).toEqual(['reloaded']);
  await reloads();
  expect(said).toEqual(['reloaded']);
});

it('is loaded once where it is wanted while the question is open', async () => {
  const { recovery, said, answer } = watched();
  await dies(recovery);
  await dies(recovery);
  await dies(recovery);
  said.length = 0;
  recovery.wanted();
  await answer('reload');
  expect(said).toEqual(['reloaded']);
});

it('loads nothing into a window that was closed', async () => {
  const { recovery, said } = watched();
  recovery.died();
  recovery.end();
  await reloads();
  recovery.wanted();
  expect(said).toEqual([]);
});
