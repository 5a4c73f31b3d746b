/** The last bytes of a budget: upgrades of single columns, counted as the packed form stores them, until none fits. */
import {
  type AllocationMatrix,
  type ColumnSize,
  bitsOfClasses,
  columnSize,
  countOptions,
} from './allocation-matrix.ts';

/** Another option for one column. */
interface Upgrade {
  readonly column: number;
  readonly option: number;
  /** What the matrix takes more; negative where a class or a last byte falls away. */
  readonly bytes: number;
  /** Drop in loss per byte; Infinity where it takes no more bytes. */
  readonly rate: number;
}

interface MatrixUnderFill {
  readonly matrix: AllocationMatrix;
  readonly chosen: Uint8Array;
  readonly counts: Int32Array;
  upgrade: Upgrade | undefined;
}

/**
 * Upgrades columns while anything that lowers the loss fits: always the one with the greatest drop in loss per byte of all
 * columns and options, the first by matrix, column and option among equals. Each drop is one of a column's losses less another,
 * so it ends.
 * @param chosen options of the columns of each matrix; changed in place
 * @param left bytes of the budget that are not spent, 0 or more
 */
export function fillBudget(
  matrices: readonly AllocationMatrix[],
  chosen: readonly Uint8Array[],
  left: number,
): void {
  const states = matrices.map((matrix, index): MatrixUnderFill => {
    const options = chosen[index] ?? new Uint8Array();
    return { matrix, chosen: options, counts: countOptions(matrix, options), upgrade: undefined };
  });
  for (const state of states) state.upgrade = bestUpgrade(state, left);
  for (;;) {
    const state = fastest(states);
    if (state?.upgrade === undefined) return;
    const { column, option, bytes } = state.upgrade;
    // What fitted once may be too much by now; then the matrix's next best stands in.
    if (bytes <= left) {
      const from = state.chosen[column] ?? 0;
      state.counts[from] = (state.counts[from] ?? 0) - 1;
      state.counts[option] = (state.counts[option] ?? 0) + 1;
      state.chosen[column] = option;
      left -= bytes;
    }
    // What a class that falls away gives back may be what another matrix has waited for.
    const changed = bytes < 0 ? states : [state];
    for (const each of changed) each.upgrade = bestUpgrade(each, left);
  }
}

function fastest(states: readonly MatrixUnderFill[]): MatrixUnderFill | undefined {
  let best: MatrixUnderFill | undefined;
  for (const state of states) if ((state.upgrade?.rate ?? 0) > (best?.upgrade?.rate ?? 0)) best = state;
  return best;
}

function bestUpgrade({ matrix, chosen, counts }: MatrixUnderFill, left: number): Upgrade | undefined {
  const { losses } = matrix;
  const stride = matrix.options.length;

  const { bytes, perByte } = changesOf(matrix, counts, left);
  let best = { at: -1, change: 0, rate: 0 };
  for (let column = 0; column < chosen.length; column++) {
    const from = chosen[column] ?? 0;
    const loss = losses[column * stride + from] ?? 0;
    for (let option = 0; option < stride; option++) {
      const drop = loss - (losses[column * stride + option] ?? 0);
      if (drop <= 0) continue;
      const rate = drop * (perByte[from * stride + option] ?? 0);
      if (rate > best.rate) best = { at: column * stride + option, change: from * stride + option, rate };
    }
  }
  if (best.at < 0) return undefined;
  return {
    column: Math.floor(best.at / stride),
    option: best.at % stride,
    bytes: bytes[best.change] ?? 0,
    rate: best.rate,
  };
}

/**
 * What one column's change from an option in use to another comes to: it depends on the two options alone.
 * @returns [options][options] bytes more, and what a drop in loss is multiplied with: 0 where the change does not fit
 */
function changesOf(
  matrix: AllocationMatrix,
  counts: Int32Array,
  left: number,
): { readonly bytes: Float64Array; readonly perByte: Float64Array } {
  const { shape, options } = matrix;
  const stride = options.length;
  const sizes = options.map((option) => columnSize(matrix, option));
  // Codes and positions end in a byte of their own each, however many bits of it they use.
  const [codeRoom, positionRoom] = [
    roomInLastByte(sizes, counts, 'codeBits'),
    roomInLastByte(sizes, counts, 'positionBits'),
  ];
  const classes = counts.reduce((sum, count) => sum + Math.sign(count), 0);

  const bytes = new Float64Array(stride * stride);
  const perByte = new Float64Array(stride * stride);
  for (const [from, old] of sizes.entries()) {
    const had = counts[from] ?? 0;
    if (had === 0) continue;
    for (const [to, next] of sizes.entries()) {
      if (to === from) continue;
      const classesThen = classes + (counts[to] === 0 ? 1 : 0) - (had === 1 ? 1 : 0);
      const more =
        Math.ceil((next.codeBits - old.codeBits - codeRoom) / 8) +
        Math.ceil((next.positionBits - old.positionBits - positionRoom) / 8) +
        next.bytes -
        old.bytes +
        (bitsOfClasses(shape, classesThen) - bitsOfClasses(shape, classes)) / 8;
      bytes[from * stride + to] = more;
      perByte[from * stride + to] = more > left ? 0 : more > 0 ? 1 / more : Infinity;
    }
  }
  return { bytes, perByte };
}

function roomInLastByte(
  sizes: readonly ColumnSize[],
  counts: Int32Array,
  part: 'codeBits' | 'positionBits',
): number {
  const bits = sizes.reduce((sum, size, option) => sum + (counts[option] ?? 0) * size[part], 0);
  return 8 * Math.ceil(bits / 8) - bits;
}
