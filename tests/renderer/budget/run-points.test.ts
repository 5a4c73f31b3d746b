import { describe, expect, it } from 'vitest';
import {
  type PredictedRun,
  runCorrelation,
  runScale,
  runsWords,
} from '../../../renderer/budget/run-points.ts';

const run = (loss: number, predicted: number): PredictedRun => ({
  name: 'Run',
  storedBits: 2,
  loss,
  predicted,
});
const THREE = [run(1, 30), run(2, 10), run(4, 200)];

describe('runs beside what was predicted', () => {
  it('are scaled by the median ratio where the prediction is not calibrated', () => {
    expect(runScale(THREE, 'none')).toBe(30);
    expect(runScale(THREE.slice(0, 2), 'none')).toBe(17.5);
    expect(runScale(THREE, 'calibrated')).toBe(1);
    expect(runScale([], 'none')).toBe(1);
  });

  it('have a rank correlation from three on', () => {
    expect(runCorrelation(THREE.slice(0, 2))).toBeUndefined();
    expect(runCorrelation(THREE)).toBe(0.5);
    expect(runCorrelation([run(1, 1), run(1, 1), run(1, 1)])).toBeUndefined();
  });

  it('say what they are', () => {
    expect(runsWords([], 'none')).toBeUndefined();
    expect(runsWords(THREE, 'calibrated')).toBe(
      'Rank correlation of predicted and true loss over 3 runs: 0.50.',
    );
    expect(runsWords(THREE.slice(1), 'none')).toBe(
      'Rank correlation of predicted and true loss: from 3 different runs on. Runs stand at their loss, scaled by the median ratio of predicted to true.',
    );
  });
});
