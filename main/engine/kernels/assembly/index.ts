/** What the kernel threads call. Every function takes its arguments as words in memory; see ../kernel-jobs.ts. */
export { packLines, productTile, microKernelRate } from './product';
export { packKeys, attendStrips } from './attention';
export { gramBlock } from './gram';
export { arrangeBlock, factorBlock, updateFactorBlock, arrangeFactor } from './factor';
export { arrangeWeights, quantizeBlock, compensateBlock, columnErrors } from './column-loop';
export { stretchToRows, rowsToStretch } from './stretch';
export { scratchBytes } from './codebook-scratch';
