import { describe, expect, it } from 'vitest';
import { pictureFileName } from '../../../renderer/charts/picture-file.ts';

describe('pictureFileName', () => {
  it('has the parts in their order', () => {
    expect(pictureFileName(['SmolLM2-135M', 'layer3', 'q', 'outlier-ratio', 'S5'], 'csv')).toBe(
      'SmolLM2-135M-layer3-q-outlier-ratio-S5.csv',
    );
    expect(pictureFileName(['a', 'S4.75'], 'png')).toBe('a-S4.75.png');
  });

  it('leaves out what a disk would not take', () => {
    expect(pictureFileName(['My model / 2:1', '', 'loss a weight'], 'svg')).toBe(
      'My-model-2-1-loss-a-weight.svg',
    );
  });
});
