import { expect, it } from 'vitest';
import { RecentAnswers } from '../../../renderer/budget/recent-answers.ts';

it('keeps the answers that were used last', () => {
  const recent = new RecentAnswers<number, string>(2);
  recent.set(1, 'one');
  recent.set(2, 'two');
  expect(recent.get(1)).toBe('one');
  recent.set(3, 'three');
  expect([1, 2, 3].map((key) => recent.get(key))).toEqual(['one', undefined, 'three']);
  recent.clear();
  expect(recent.get(1)).toBeUndefined();
});
