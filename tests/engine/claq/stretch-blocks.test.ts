import { expect, it } from 'vitest';
import { stretchBlocks } from '../../../main/engine/claq/stretch-blocks.ts';

it('does large matrices in stretches of four blocks, small ones in one', () => {
  expect(stretchBlocks(4096, 4096)).toBe(4);
  expect(stretchBlocks(3072, 1536)).toBe(16);
  expect(stretchBlocks(100_000, 97)).toBe(2);
});
