import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TYPICAL_RATES } from '../../../main/service/preflight/rates.ts';
import {
  type RecordedRun,
  type Setting,
  recordedExportRate,
  recordedRun,
  recordedSpeed,
} from '../../../main/service/preflight/recorded-speed.ts';
import { TIMED_PARTS, runTimes, timedParts } from '../../../main/service/preflight/run-times.ts';
import { BACKEND, type RecordedFigures, completeRecord } from './complete-record.ts';
import { DEMO_DESCRIPTION, LLAMA_7B } from '../../known-models.ts';

const SETTING: Setting = {
  engine: { name: 'wasm', description: BACKEND },
  threads: 2,
  forwardPrecision: 'float32',
};
const FIGURES: RecordedFigures = {
  segments: 24,
  length: 512,
  windows: 16,
  timing: { forward: 3, hessian: 2, quantize: 7, evaluate: 4, original: 5 },
};

function run(figures: Partial<RecordedFigures> = {}, label = 'run 1'): RecordedRun {
  return { label, model: DEMO_DESCRIPTION, record: completeRecord({ ...FIGURES, ...figures }) };
}

function speedOf(...runs: RecordedRun[]): ReturnType<typeof recordedSpeed> {
  return recordedSpeed(runs, DEMO_DESCRIPTION, SETTING, TYPICAL_RATES);
}

describe('the speed of runs by their records', () => {
  it('gives a run its own times again, whatever they were', () => {
    const seconds = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({
          forward: seconds,
          hessian: seconds,
          quantize: seconds,
          evaluate: seconds,
          original: seconds,
        }),
        (timing) => {
          const recorded = run({ timing });
          const foretold = timedParts(runTimes(recordedRun(recorded, 'wasm', 2), TYPICAL_RATES));
          const speed = speedOf(recorded);
          for (const part of TIMED_PARTS) {
            expect(foretold[part] * (speed?.corrections[part] ?? NaN)).toBeCloseTo(timing[part], 6);
          }
        },
      ),
    );
  });

  it('foretells twice the time for twice the segments', () => {
    const longer = recordedRun(run({ segments: 48 }), 'wasm', 2);
    const speed = speedOf(run());
    const { forward, hessian, quantize } = timedParts(runTimes(longer, TYPICAL_RATES));
    expect(forward * (speed?.corrections.forward ?? NaN)).toBeCloseTo(6, 9);
    expect(hessian * (speed?.corrections.hessian ?? NaN)).toBeCloseTo(4, 9);
    expect(quantize * (speed?.corrections.quantize ?? NaN)).toBeCloseTo(7, 9);
  });

  it('weighs the latest runs: each half as much as the one after it, three at most', () => {
    const times = (forward: number): Partial<RecordedFigures> => ({ timing: { ...FIGURES.timing, forward } });
    const one = speedOf(run(times(1)))?.corrections.forward ?? NaN;
    const speed = speedOf(
      run(times(2), 'run 9'),
      run(times(16), 'run 7'),
      run(times(4), 'run 4'),
      run(times(1000), 'run 2'),
    );
    // Logarithms to the base of 2: (1 x 1 + 4 / 2 + 2 / 4) / (1 + 1/2 + 1/4) = 2.
    expect((speed?.corrections.forward ?? NaN) / one).toBeCloseTo(4, 9);
    expect(speed?.source).toBe('run 9, run 7 and run 4 on this machine');
  });

  it('takes the forward pass for an evaluation that no run had', () => {
    const speed = speedOf(run({ windows: 0, timing: { forward: 3, hessian: 2, quantize: 7, evaluate: 0 } }));
    expect(speed?.corrections.evaluate).toBe(speed?.corrections.forward);
  });

  it('takes one evaluation for the other where a run had only one, as older records and known baselines have', () => {
    const { original, ...older } = { forward: 3, hessian: 2, quantize: 7, evaluate: 4, original: 5 };
    const both = speedOf(run());
    const one = speedOf(run({ timing: older }));
    expect(one?.corrections.original).toBe(one?.corrections.evaluate);
    expect(speedOf(run({ timing: { ...older, original: 0 } }))?.corrections).toEqual(one?.corrections);
    expect(both?.corrections.evaluate).toBe(one?.corrections.evaluate);
    const foretold = (one?.corrections.evaluate ?? NaN) / older.evaluate;
    expect(both?.corrections.original).toBeCloseTo(original * foretold, 9);
  });

  it.each<[string, RecordedRun]>([
    ['another engine', run({ backend: 'TensorFlow 2.21.0 on the CPU' })],
    ['another number of threads', run({ threads: 4 })],
    ['several sessions', run({ sessions: 2 })],
    ['no end', run({ status: 'cancelled' })],
    ['a model of another size', { ...run(), model: LLAMA_7B }],
  ])('says nothing by a run with %s', (_, recorded) => {
    expect(speedOf(recorded)).toBeUndefined();
    expect(speedOf(recorded, run({}, 'run 3'))?.source).toBe('run 3 on this machine');
  });

  it('says nothing without runs', () => {
    expect(speedOf()).toBeUndefined();
  });
});

describe('the rate of exports', () => {
  it('is that of the latest of a like size, the later the more', () => {
    const exports = [
      { bytes: 1e9, seconds: 0 },
      { bytes: 1e6, seconds: 9 },
      { bytes: 1e9, seconds: 10 },
      { bytes: 2e9, seconds: 40 },
      { bytes: 1e9, seconds: 10 / 16 },
      { bytes: 1e9, seconds: 1e6 },
    ];
    // Of 1e8 by logarithms to the base of 2: (0 x 1 - 1 / 2 + 4 / 4) / (1 + 1/2 + 1/4) = 2/7.
    expect(recordedExportRate(exports, 1e9)).toBeCloseTo(1e8 * 2 ** (2 / 7), 0);
    expect(recordedExportRate([], 1e9)).toBeUndefined();
  });
});
