/** What the kernel threads call. Every function takes its arguments as words in memory; see ../kernel-jobs.ts. */
export { packLines, productTile, microKernelRate } from './product';
export { packKeys, attendStrips } from './attention';
export { gramBlock } from './gram';
export { arrangeBlock, factorBlock, updateFactorBlock, arrangeFactor } from './factor';
export { arrangeWeights, quantizeBlock, compensateBlock } from './column-loop';
export { columnErrors, errorScratchBytes, fitWidths } from './column-errors';
export { columnMoments } from './column-moments';
export { columnOutliers } from './column-outliers';
export { stretchToRows, rowsToStretch } from './stretch';
export { scratchBytes } from './codebook-scratch';
