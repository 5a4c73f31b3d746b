import { describe, expect, it } from 'vitest';
import { firstDraft, newOverride } from '../../../renderer/budget/budget-draft.ts';
import { answerSize, sizeText } from '../../../renderer/budget/size-hit.ts';
import { demoModel } from '../fake-library.ts';

const draft = firstDraft();

describe('a size to hit', () => {
  it('is met by the budget that moves', () => {
    const answer = answerSize(demoModel(), draft, { kind: 'nominal-bits', value: 2.57 }, 'ap');
    expect(answer).toMatchObject({
      kind: 'hit',
      reached: '2.570 bits',
      numbers: { parts: 'AP+OR', average: 2.5 },
    });
  });

  it.each([2.05, 2.06])('takes AP to other widths where it has those of its average, %f', (average) => {
    const numbers = { ...draft.numbers, average };
    const target = { kind: 'nominal-bits', value: 4.2 } as const;
    expect(answerSize(demoModel(), { ...draft, numbers }, target, 'ap')).toMatchObject({
      kind: 'hit',
      reached: '4.200 bits',
      numbers: { parts: 'AP+OR', low: 4, high: 5, average: 4.13 },
    });
  });

  it('leaves AP the widths that were chosen', () => {
    const numbers = { ...draft.numbers, low: 2, high: 3 };
    const target = { kind: 'nominal-bits', value: 4.2 } as const;
    expect(answerSize(demoModel(), { ...draft, numbers }, target, 'ap')).toMatchObject({
      kind: 'not-met',
      nearest: { reached: '3.070 bits', numbers: { low: 2, high: 3, average: 3 } },
    });
  });

  it('that cannot be met says why, and what is nearest', () => {
    const answer = answerSize(demoModel(), draft, { kind: 'nominal-bits', value: 1 }, 'or');
    expect(answer).toMatchObject({
      kind: 'not-met',
      nearest: { reached: '2.050 bits', numbers: { parts: 'AP', average: 2.05 } },
    });
    expect(answer.kind === 'not-met' && answer.why).toMatch(
      /^OR alone does not come to this size: it goes from 2\.05 nominal bits to /,
    );
  });

  it('has nothing to move where every matrix has an override', () => {
    const overrides = [{ ...newOverride(draft.numbers), layers: '' }];
    expect(answerSize(demoModel(), { ...draft, overrides }, { kind: 'bytes', value: 1e6 }, 'ap')).toEqual({
      kind: 'not-met',
      why: 'Every matrix has an override: there is nothing to move.',
      nearest: undefined,
    });
  });

  it('is written in its own unit', () => {
    expect(sizeText('bytes', 1.83e9)).toBe('1.83 GB');
    expect(sizeText('stored-bits', 2.25)).toBe('2.250 bits');
  });
});
