/** The figures of a finished run as a table that other programs read: one line a matrix. */
import { storedBits } from '../../shared/bits.ts';
import { matrixName } from '../../shared/model.ts';
import type { MatrixResult } from '../../shared/run-record.ts';
import type { RunDetail } from '../../shared/runs.ts';
import { csvText } from '../charts/csv-text.ts';

const COLUMNS = [
  'name',
  'block',
  'kind',
  'rows',
  'columns',
  'loss',
  'loss_per_weight',
  'outlier_ratio',
  'damping',
  'bytes',
  'stored_bits',
  'mean_width',
  'reserved_entries',
] as const;

/** A line a matrix. Figures have all their digits; an unknown one is empty. */
export function matricesCsv(matrices: readonly MatrixResult[]): string {
  const lines = matrices.map((matrix) => {
    const { block, kind, rows, columns, loss, outlierRatio, damping, bytes, classes } = matrix;
    const weights = rows * columns;
    const widths = classes.reduce((sum, each) => sum + each.width * each.columns, 0);
    const reserved = classes.reduce((sum, each) => sum + each.reserved * each.columns, 0);
    return [
      matrixName(block, kind),
      block,
      kind,
      rows,
      columns,
      loss,
      loss === null ? null : loss / weights,
      outlierRatio,
      damping,
      bytes,
      storedBits(bytes, weights),
      widths / columns,
      reserved,
    ];
  });
  return csvText(COLUMNS, lines);
}

/** Everything that the window knows of the run, but for its log. */
export function figuresJson(run: RunDetail): string {
  const { modelName, method, budget, choices, engine, figures, startedAt, endedAt, matrices } = run;
  const content = {
    model: modelName,
    method,
    budget,
    engine,
    startedAt,
    endedAt,
    choices,
    figures,
    matrices: matrices.map((matrix) => ({ name: matrixName(matrix.block, matrix.kind), ...matrix })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** `SmolLM2-135M-2.12.csv`: what stands before the first space of the budget is its bits. */
export function figuresFileName({ modelName, budget, method }: RunDetail, ending: 'csv' | 'json'): string {
  const bits = /\d+(\.\d+)?/.exec(budget)?.[0] ?? 'bits';
  const parts = [modelName, ...(method === 'claq' ? [] : [method]), bits];
  return `${parts.join('-').replace(/[^\w.-]+/g, '-')}.${ending}`;
}
