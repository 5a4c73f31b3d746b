/** The figures of a quantized matrix that pictures and tables show: what each is, in which unit, on which scale. */
import { storedBits } from '../../shared/bits.ts';
import { readablePercent } from '../../shared/readable-quantities.ts';
import type { MatrixResult } from '../../shared/run-record.ts';
import type { ScaleKind } from './heat-scale.ts';

export const QUANTITY_NAMES = ['lossPerWeight', 'loss', 'outlierRatio', 'bits'] as const;
export type QuantityName = (typeof QUANTITY_NAMES)[number];

export interface Quantity {
  readonly label: string;
  /** Beside a legend; empty where the figure has none. */
  readonly unit: string;
  /** A sentence for whoever does not know the word. */
  readonly meaning: string;
  readonly scale: ScaleKind;
  /** Whether a linear scale begins at 0. */
  readonly fromZero: boolean;
  /** Null where the run does not know it: the loss of rtn. */
  readonly of: (matrix: MatrixResult) => number | null;
  /** With its unit, where it stands alone. */
  readonly text: (value: number) => string;
  /** As short as a cell of a picture is narrow, without the unit. */
  readonly brief: (value: number) => string;
}

export const QUANTITIES: Readonly<Record<QuantityName, Quantity>> = {
  lossPerWeight: {
    label: 'Loss a weight',
    unit: 'loss a weight',
    meaning: 'The loss divided by the number of weights, so that matrices of different sizes compare.',
    scale: 'log',
    fromZero: true,
    of: ({ loss, rows, columns }) => (loss === null ? null : loss / (rows * columns)),
    text: (value) => `${figures(value)} a weight`,
    brief: figures,
  },
  loss: {
    label: 'Loss',
    unit: 'loss',
    meaning: 'Squared error of the layer’s output on the calibration text, summed over the matrix.',
    scale: 'log',
    fromZero: true,
    of: ({ loss }) => loss,
    text: figures,
    brief: figures,
  },
  outlierRatio: {
    label: 'Outlier ratio',
    unit: '% of the entries',
    meaning: 'Share of the entries whose size is above S times the matrix’s mean.',
    scale: 'log',
    fromZero: true,
    of: ({ outlierRatio }) => outlierRatio,
    text: readablePercent,
    brief: (value) => readablePercent(value).replace(' %', ''),
  },
  bits: {
    label: 'Stored bits',
    unit: 'bits a weight',
    meaning: 'Every byte of the packed matrix, as bits a weight.',
    scale: 'linear',
    fromZero: false,
    of: ({ bytes, rows, columns }) => storedBits(bytes, rows * columns),
    text: (value) => `${value.toFixed(3)} bits`,
    brief: (value) => value.toFixed(2),
  },
};

/** Three figures of any size, as narrow as can be: `0.0123`, `1.23`, `1,230`, `1.2e-5`. */
export function figures(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3) return value.toExponential(1).replace('e-', 'e−');
  if (magnitude >= 1e6) return value.toExponential(1).replace('e+', 'e');
  if (magnitude >= 99.95) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}
