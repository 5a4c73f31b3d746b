import { describe, expect, it } from 'vitest';
import type { LoadSample } from '../../../shared/runs.ts';
import { readGpuRow, sampleLoad } from '../../../main/service/studio/machine-load.ts';

describe('readGpuRow', () => {
  it('reads the first card of what nvidia-smi says', () => {
    expect(readGpuRow('34, 10240, 24564\n0, 3, 24564\n')).toEqual({
      share: 0.34,
      memoryBytes: 10240 * 1048576,
      memoryTotalBytes: 24564 * 1048576,
    });
  });

  it.each(['', 'No devices were found', '[N/A], 3, 24564', '1e9, 3, 4'])('gives nothing for %j', (text) => {
    expect(readGpuRow(text)).toBeNull();
  });
});

describe('sampleLoad', () => {
  it('samples memory and processor until it is told to stop', async () => {
    const samples: LoadSample[] = [];
    const over = new AbortController();
    const first = Promise.withResolvers<undefined>();
    const onSample = (sample: LoadSample): void => {
      samples.push(sample);
      first.resolve(undefined);
    };
    sampleLoad(onSample, { gpu: () => false, signal: over.signal });
    const stayAwake = setInterval(() => undefined, 100);
    await first.promise;
    clearInterval(stayAwake);
    over.abort();
    const [sample] = samples;
    expect(sample?.memoryBytes).toBeGreaterThan(10e6);
    expect(sample?.processor).toBeGreaterThanOrEqual(0);
    expect(sample?.processor).toBeLessThanOrEqual(1);
    expect(sample?.gpu).toBeNull();
  });
});
