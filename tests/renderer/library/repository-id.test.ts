import { describe, expect, it } from 'vitest';
import { readRepositoryId } from '../../../renderer/library/repository-id.ts';

describe('readRepositoryId', () => {
  it.each([
    ['Qwen/Qwen3-0.6B', 'Qwen/Qwen3-0.6B', undefined],
    ['  Qwen/Qwen3-0.6B ', 'Qwen/Qwen3-0.6B', undefined],
    ['https://huggingface.co/Qwen/Qwen3-0.6B', 'Qwen/Qwen3-0.6B', undefined],
    ['huggingface.co/Qwen/Qwen3-0.6B/', 'Qwen/Qwen3-0.6B', undefined],
    ['https://huggingface.co/Qwen/Qwen3-0.6B/tree/v1.0?x=1#y', 'Qwen/Qwen3-0.6B', 'v1.0'],
  ])('reads %j', (text, repository, revision) => {
    expect(readRepositoryId(text)).toEqual({ repository, revision });
  });

  it.each(['', 'Qwen3', 'a/b/c', 'https://example.com/a', 'a b/c', 'https://huggingface.co/datasets/a/b'])(
    'refuses %j',
    (text) => {
      expect(readRepositoryId(text)).toBeUndefined();
    },
  );
});
