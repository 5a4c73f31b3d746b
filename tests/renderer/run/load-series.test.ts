import { describe, expect, it } from 'vitest';
import { loadSeries } from '../../../renderer/run/load-series.ts';
import type { LoadSample } from '../../../shared/runs.ts';

const plain: LoadSample = { at: 1000, memoryBytes: 1.9e9, processor: 0.86, gpu: null };
const withGpu: LoadSample = {
  ...plain,
  at: 2000,
  gpu: { memoryBytes: 4e9, memoryTotalBytes: 2.4e10, share: 0.5 },
};

describe('loadSeries', () => {
  it('has a figure with its unit for each curve', () => {
    const said = loadSeries([plain], [{ at: 1000, rate: 5210 }], 'tokens').map(({ series, note }) => {
      const [, value = NaN] = series.points.at(-1) ?? [];
      return [series.label, series.text(value), note];
    });
    expect(said).toEqual([
      ['Throughput', '5,210 tokens/s', undefined],
      ['Processor', '86 %', 'of all cores'],
      ['Memory', '1.90 GB', undefined],
    ]);
  });

  it('has the GPU’s curves where one computes, from when it is known', () => {
    const series = loadSeries([plain, withGpu], [], 'tokens').slice(3);
    expect(
      series.map((each) => [each.series.label, each.note, each.series.points, each.series.most]),
    ).toEqual([
      ['GPU', undefined, [[2000, 0.5]], 1],
      ['GPU memory', 'of 24.0 GB', [[2000, 4e9]], 2.4e10],
    ]);
  });
});
