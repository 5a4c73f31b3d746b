import { describe, expect, it } from 'vitest';
import { checkChoices } from '../../../renderer/run/field-messages.ts';
import type { QuantizeChoicesRequest } from '../../../shared/requests.ts';
import { SMOLLM2 } from '../../known-models.ts';

describe('checkChoices', () => {
  it('gives the choices where nothing is wrong', () => {
    const { choices, messages } = checkChoices({ budget: { bits: 2.5 } }, SMOLLM2);
    expect(messages).toEqual({});
    expect(choices).toMatchObject({ method: 'claq', budget: { bits: 2.5 }, outlierS: 13 });
  });

  it.each<[string, QuantizeChoicesRequest, string, string]>([
    ['no segments', { calibration: { segments: 0 } }, 'calibration.segments', 'At least 1'],
    ['parts of a segment', { calibration: { segments: 1.5 } }, 'calibration.segments', 'A whole number'],
    ['far too many', { calibration: { segments: 2e6 } }, 'calibration.segments', 'At most 1,048,576'],
    ['no damping', { percdamp: 0 }, 'percdamp', 'Must be above 0'],
    ['a large S', { outlierS: 1001 }, 'outlierS', 'At most 1,000'],
    ['many threads', { threads: 1000 }, 'threads', 'At most 256'],
    ['bits below a width', { budget: { bits: 0.5 } }, 'budget', 'At least 1'],
    [
      'bits between widths for a grid',
      { method: 'gptq', budget: { bits: 2.5 } },
      'budget',
      'Must be whole for gptq',
    ],
    [
      'widths that do not reach the average',
      { budget: { bits: 4, apWidths: [2, 3] } },
      'budget',
      'The average width cannot be reached with these two widths: an average from 2 to 3 bits, the lower width first',
    ],
    [
      'a segment longer than the context',
      { calibration: { segmentLength: 9000 } },
      'calibration.segmentLength',
      'At most the model’s context, 8,192 tokens',
    ],
    [
      'a window longer than the context',
      { evaluation: { contextLength: 9000 } },
      'evaluation.contextLength',
      'At most the model’s context, 8,192 tokens',
    ],
    [
      'a group longer than a row',
      { method: 'rtn', groupSize: 2000 },
      'groupSize',
      'At most 1,536, the model’s longest row',
    ],
  ])('says at its field what is wrong: %s', (_, request, field, message) => {
    const checked = checkChoices(request, SMOLLM2);
    expect(checked.messages).toEqual({ [field]: message });
    expect(checked.choices).toBeUndefined();
  });
});
