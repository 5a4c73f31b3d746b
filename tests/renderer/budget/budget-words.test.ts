import { describe, expect, it } from 'vitest';
import { firstDraft, newOverride } from '../../../renderer/budget/budget-draft.ts';
import { numbersOfBits } from '../../../renderer/budget/budget-numbers.ts';
import { draftWords, numbersWords, scopeWords, shareWords } from '../../../renderer/budget/budget-words.ts';
import { layersMessage } from '../../../renderer/budget/override-check.ts';

describe('words of a budget', () => {
  it('name what matrices an override is for', () => {
    expect(scopeWords({ layers: '', matrices: [] })).toBe('All layers');
    expect(scopeWords({ layers: '7', matrices: ['v'] })).toBe('Layer 7, v');
    expect(scopeWords({ layers: '0-3,7', matrices: ['q', 'k', 'v'] })).toBe('Layers 0-3,7, q, k and v');
  });

  it('count the overrides', () => {
    const draft = firstDraft();
    const override = newOverride(draft.numbers);
    expect(draftWords(draft)).toBe('2.12');
    expect(draftWords({ ...draft, overrides: [override] })).toBe('2.12 with 1 override');
    expect(draftWords({ ...draft, overrides: [override, override] })).toBe('2.12 with 2 overrides');
    expect(draftWords({ ...draft, numbers: { ...draft.numbers, headShare: 1.6 } })).toBe(
      '2.1228 (AP 2.05 of {2,4} + OR 0.0728)',
    );
  });

  it('say a budget with its parts', () => {
    expect(numbersWords(numbersOfBits(2.12))).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07)');
    expect(numbersWords(numbersOfBits(4))).toBe('4');
    expect(shareWords(0.025)).toBe('2.5 %');
  });
});

describe('layers that were typed', () => {
  it.each(['', ' ', '0', '0-3, 7', '29'])('are right: "%s"', (layers) => {
    expect(layersMessage(layers, 30)).toBeUndefined();
  });

  it('are wrong where they are no ranges', () => {
    expect(layersMessage('0-', 30)).toBe('Layers have the form 0-3,7');
    expect(layersMessage('first', 30)).toBe('Layers have the form 0-3,7');
  });

  it('are wrong where the model has no such layers', () => {
    expect(layersMessage('28-30', 30)).toBe('This model has layers from 0 to 29, the lower one first');
    expect(layersMessage('3-1', 30)).toBe('This model has layers from 0 to 29, the lower one first');
  });
});
