/** What codebooks in bytes cost and save, by width and number of rows: the rule of shared/bits.ts comes from here. */
import { byteWidth } from '../shared/bits.ts';
import { planByOrder, singlePrecision } from '../shared/budget.ts';
import { quantizeColumns } from '../main/engine/claq/column-loop.ts';
import { factorHessian } from '../main/engine/claq/factor.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import { divideRows, rowScales } from '../main/engine/claq/row-scales.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { note, table } from './report.ts';
import { syntheticWeights } from './synthetic-matrix.ts';

const COLUMNS = 192;
const ROWS = [192, 576, 2048, 4096] as const;
const WIDTHS = [1, 2, 3, 4] as const;

/** Heavy-tailed weights, without error compensation. */
export async function benchByteCodebooks(pool: KernelPool): Promise<void> {
  const mark = pool.arena.mark();
  const identity = Float32Array.from({ length: COLUMNS ** 2 }, (_, at) => (at % (COLUMNS + 1) === 0 ? 1 : 0));
  const hessian = new Hessian(pool, COLUMNS);
  hessian.load(identity);
  const factor = await factorHessian(pool, hessian, { percdamp: 0, actOrder: false, where: 'none' });
  const order = Int32Array.from({ length: COLUMNS }, (_, column) => column);
  const lines: string[][] = [];
  for (const rows of ROWS) {
    const weights = syntheticWeights(rows, COLUMNS, rows);
    const scales = rowScales(weights, rows);
    const divided = divideRows(weights, scales);
    for (const width of WIDTHS.filter((each) => each <= byteWidth(rows))) {
      const plan = planByOrder(order, rows, { precision: singlePrecision(width), reservation: undefined });
      const error = async (byteCodebooks: boolean): Promise<number> => {
        const input = { rows, weights: divided, plan, rowScales: scales, byteCodebooks };
        const options = { codebookFit: 'kept', clustering: 'optimal', compensate: false, seed: 0 } as const;
        const [matrix] = await quantizeColumns(pool, factor, [input], options);
        return matrix?.loss ?? NaN;
      };
      const more = (await error(true)) / (await error(false));
      // An error falls by 4 with each bit (Panter and Dite 1951).
      const [lost, saved] = [Math.log2(more) / 2, (8 * 2 ** width) / rows];
      const percent = `${(100 * (more - 1)).toFixed(2)} %`;
      lines.push([String(rows), String(width), percent, lost.toFixed(4), saved.toFixed(4)]);
    }
  }
  pool.arena.release(mark);
  table(
    'Codebooks in bytes: what rounding adds to the squared error, in bits a weight, and what they save',
    ['rows', 'bits', 'more error', 'bits lost', 'bits saved'],
    lines,
  );
  note('Columns have heavy tails, rows are scaled; nothing is reserved.');
}
