import type { MatrixResult } from '../../../shared/run-record.ts';

/** A matrix of 100 x 200 weights at 2 bits, packed into 6,000 bytes, with a loss of 50. */
export function matrixResult(part: Partial<MatrixResult> = {}): MatrixResult {
  return {
    block: 0,
    kind: 'q',
    rows: 100,
    columns: 200,
    loss: 50,
    outlierRatio: 0.00123,
    damping: 0.01,
    bytes: 6000,
    classes: [
      { width: 2, reserved: 0, columns: 190 },
      { width: 4, reserved: 4, columns: 10 },
    ],
    ...part,
  };
}
