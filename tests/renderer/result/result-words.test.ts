import { expect, it } from 'vitest';
import { isComparable, protocolWords } from '../../../renderer/result/result-words.ts';
import type { PerplexityFigure } from '../../../shared/run-record.ts';

function figure(part: Partial<PerplexityFigure> = {}): PerplexityFigure {
  return {
    perplexity: 61.19,
    meanNll: 4.114,
    protocol: 'gptq',
    windows: 16,
    contextLength: 2048,
    tokens: 32752,
    text: '/texts/evaluation.txt',
    textSha256: 'ab',
    ...part,
  };
}

it('says how it was measured', () => {
  expect(protocolWords(figure())).toBe(
    '16 consecutive windows of 2,048 tokens, 32,752 scored, of evaluation.txt',
  );
});

it('compares what was measured in the same way, wherever the text lay', () => {
  expect(isComparable(figure(), figure({ text: '/elsewhere/evaluation.txt', perplexity: 70 }))).toBe(true);
  expect(isComparable(figure(), figure({ windows: 8 }))).toBe(false);
  expect(isComparable(figure(), figure({ contextLength: 512 }))).toBe(false);
  expect(isComparable(figure(), figure({ textSha256: 'cd' }))).toBe(false);
});
