import { expect, it } from 'vitest';
import { QuitGuard } from '../../main/shell/quit.ts';

/** A guard whose question and end are answered by the test. */
function guarded(): {
  guard: QuitGuard;
  said: string[];
  answer: (agree: boolean) => Promise<void>;
  finished: PromiseWithResolvers<undefined>;
} {
  const said: string[] = [];
  let question = Promise.withResolvers<boolean>();
  const finished = Promise.withResolvers<undefined>();
  const guard = new QuitGuard({
    agree() {
      said.push('asked');
      question = Promise.withResolvers();
      return question.promise;
    },
    async finish() {
      said.push('finishing');
      await finished.promise;
    },
    onFault: (error) => said.push(String(error)),
    quit: () => said.push('quit'),
  });
  const answer = async (agree: boolean): Promise<void> => {
    question.resolve(agree);
    await turn();
  };
  return { guard, said, answer, finished };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('asks once, finishes, then quits by itself', async () => {
  const { guard, said, answer, finished } = guarded();
  expect(guard.mayQuit()).toBe(false);
  expect(guard.mayQuit()).toBe(false);
  await answer(true);
  expect(guard.mayQuit()).toBe(false);
  expect(said).toEqual(['asked', 'finishing']);
  finished.resolve(undefined);
  await turn();
  expect(said).toEqual(['asked', 'finishing', 'quit']);
  expect(guard.mayQuit()).toBe(true);
});

it('stays where the user wants to stay, and asks again the next time', async () => {
  const { guard, said, answer } = guarded();
  guard.mayQuit();
  await answer(false);
  expect(said).toEqual(['asked']);
  expect(guard.mayQuit()).toBe(false);
  expect(said).toEqual(['asked', 'asked']);
});

it('quits although what should be finished cannot be', async () => {
  const { guard, said, answer, finished } = guarded();
  guard.mayQuit();
  await answer(true);
  finished.reject(new Error('the disk is full'));
  await turn();
  expect(said).toEqual(['asked', 'finishing', 'Error: the disk is full', 'quit']);
});
