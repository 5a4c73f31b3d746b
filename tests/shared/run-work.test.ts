import { describe, expect, it } from 'vitest';
import {
  evaluationBytesMoved,
  factorFlops,
  forwardBytes,
  forwardFlops,
  headFlops,
  hessianBytes,
  hessianFlops,
} from '../../shared/run-work.ts';
import { DEMO_DESCRIPTION, LLAMA_7B } from '../known-models.ts';

describe('the demo model, 6 blocks, by hand', () => {
  const segments = { count: 4, length: 128 };

  it('goes forward', () => {
    // q, o 192 x 192; k, v 64 x 192; gate, up 512 x 192; down 192 x 512: 393,216 weights a block, 2 operations each.
    // Attention: 3 heads of 64, 128 x 129 / 2 pairs, 4 operations a value of a head.
    expect(forwardFlops(DEMO_DESCRIPTION, segments)).toBe(4 * (2 * 128 * 2_359_296 + 6 * 3 * 8256 * 4 * 64));
  });

  it('sees no further back than a sliding window', () => {
    const window3 = { ...DEMO_DESCRIPTION, slidingWindow: 3 };
    const whole = 2 * 5 * 2_359_296;
    // 1 + 2 + 3 + 3 + 3 pairs of 5 tokens.
    expect(forwardFlops(window3, { count: 1, length: 5 })).toBe(whole + 6 * 3 * 12 * 4 * 64);
    expect(forwardFlops(window3, { count: 1, length: 2 })).toBe(2 * 2 * 2_359_296 + 6 * 3 * 3 * 4 * 64);
  });

  it('has Hessians, factors, a head', () => {
    expect(hessianFlops(DEMO_DESCRIPTION, segments)).toBe(512 * 6 * (3 * 192 ** 2 + 512 ** 2));
    expect(factorFlops(DEMO_DESCRIPTION)).toBe(310_902_784);
    expect(headFlops(DEMO_DESCRIPTION, { count: 2, length: 128 })).toBe(2 * 256 * 4096 * 192);
  });

  it('moves activations', () => {
    // Up: 192; 192 + 192; 192; 192 + 512. Down: 192, 192, 512, 192. Four bytes each.
    expect(forwardBytes(DEMO_DESCRIPTION, segments)).toEqual({
      up: 512 * 6 * 4 * 1472,
      down: 512 * 6 * 4 * 1088,
    });
    expect(hessianBytes(DEMO_DESCRIPTION, segments)).toEqual({ up: 512 * 6 * 4 * 1088, down: 0 });
    const through = 512 * 6 * 4 * 192;
    expect(evaluationBytesMoved(DEMO_DESCRIPTION, segments)).toEqual({ up: through, down: through });
  });
});

describe('LLaMA-7B with 128 x 2048 tokens', () => {
  const segments = { count: 128, length: 2048 };

  it('goes forward in 3.5 PFLOP', () => {
    // 2 x 262,144 x 6,476,005,376; 4 x 128 x 32 heads x 2,098,176 pairs x 128 segments x 32 blocks.
    expect(forwardFlops(LLAMA_7B, segments)).toBe(3_395_291_906_572_288 + 140_806_207_832_064);
  });

  it('has Hessians of 1.4 PFLOP, factors of 16 TFLOP', () => {
    // 262,144 x 32 x (3 x 4096^2 + 11008^2)
    expect(hessianFlops(LLAMA_7B, segments)).toBe(1_438_710_964_944_896);
    expect(factorFlops(LLAMA_7B)).toBeCloseTo(16_427_355_122_346.67, 0);
    expect(headFlops(LLAMA_7B, segments)).toBe(68_719_476_736_000);
  });

  it('moves 1.8 TB of activations through its stages', () => {
    expect(forwardBytes(LLAMA_7B, segments)).toEqual({ up: 1_056_561_954_816, down: 781_684_047_872 });
    expect(hessianBytes(LLAMA_7B, segments)).toEqual({ up: 781_684_047_872, down: 0 });
  });
});
