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
