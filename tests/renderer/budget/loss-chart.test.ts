import { describe, expect, it } from 'vitest';
import {
  type LossPicture,
  bitsRange,
  curveLoss,
  lossCsv,
  lossDescription,
  lossRange,
  pointedWords,
} from '../../../renderer/budget/loss-chart.ts';

const PICTURE: LossPicture = {
  quantity: 'Predicted loss',
  curve: [
    { bits: 1.5, loss: 900 },
    { bits: 2, loss: 100 },
    { bits: 3, loss: 1 },
  ],
  current: { bits: 2.5, loss: 10 },
  kept: undefined,
  presets: [{ name: '2.12', bits: 2.38, loss: 30 }],
  runs: [{ name: 'Run 7', bits: 2.5, loss: 12 }],
};

describe('the chart of predicted losses', () => {
  it('has axes with round ends that hold what is compared, and the curve between', () => {
    expect(bitsRange(PICTURE)).toEqual([2.1, 2.7]);
    expect(lossRange(PICTURE)).toEqual([10, 50]);
    expect(bitsRange({ ...PICTURE, current: undefined, presets: [], runs: [], curve: [] })).toEqual([0, 1]);
  });

  it('goes straight between the points of its curve in the logarithm', () => {
    expect(curveLoss(PICTURE.curve, 2.5)).toBeCloseTo(10, 12);
    expect(curveLoss(PICTURE.curve, 1.5)).toBe(900);
    expect(curveLoss(PICTURE.curve, 1)).toBeUndefined();
    expect(curveLoss(PICTURE.curve, 3.1)).toBeUndefined();
  });

  it('says what is at a place', () => {
    expect(pointedWords(PICTURE, 2.5)).toBe(
      '2.50 bits: 10.0 on the curve\nThis budget: 10.0 at 2.500 bits\nRun 7: 12.0 at 2.500 bits',
    );
    expect(pointedWords(PICTURE, 2.38)).toBe(
      '2.38 bits: 17.4 on the curve\nThe paper’s 2.12: 30.0 at 2.380 bits',
    );
    expect(lossDescription(PICTURE)).toBe(
      'Predicted loss against stored bits a weight: this budget 10.0 at 2.50 stored bits; 1 settings of the paper, 1 runs',
    );
  });

  it('has its figures as CSV', () => {
    expect(lossCsv(PICTURE)).toBe(
      [
        'kind,name,stored_bits,loss',
        'curve,,1.5,900',
        'curve,,2,100',
        'curve,,3,1',
        'preset,2.12,2.38,30',
        'run,Run 7,2.5,12',
        'current,,2.5,10',
        '',
      ].join('\r\n'),
    );
  });
});
