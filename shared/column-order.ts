/**
 * The Outlier Order of a matrix at one S after another (outlier-order.ts has it for one alone): ties are sorted once, and each S
 * then takes a counting sort.
 */
import { ClaqError } from './errors.ts';

/** Columns are numbered in 16 bits, here and in messages to a window. */
const MOST_COLUMNS = 2 ** 16;

/**
 * Columns by descending value, then by ascending index.
 *
 * @param values not negative
 * @throws ClaqError model/unsupported for a matrix of more than 65536 columns
 */
export function tieOrder(values: Float32Array): Uint16Array {
  const columns = values.length;
  if (columns > MOST_COLUMNS) {
    throw new ClaqError('model/unsupported', 'A matrix has more columns than can be put into an order', {
      expected: `at most ${MOST_COLUMNS} columns`,
      found: `${columns} columns`,
    });
  }
  // The patterns of floats that are not negative are ordered as they are. With the index below them they fit into the 53 bits of
  // a double, and doubles are sorted without a call for each comparison.
  const patterns = new Uint32Array(Float32Array.from(values, Math.abs).buffer);
  const keys = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    keys[column] = (patterns[column] ?? 0) * MOST_COLUMNS + (MOST_COLUMNS - 1 - column);
  }
  keys.sort();
  const order = new Uint16Array(columns);
  for (let rank = 0; rank < columns; rank++) {
    order[rank] = MOST_COLUMNS - 1 - ((keys[columns - 1 - rank] ?? 0) % MOST_COLUMNS);
  }
  return order;
}

/**
 * Columns by descending outliers; those with as many in the order of `ties`.
 *
 * @param counts outliers of each column; undefined where no column has any
 */
export function orderByCounts(ties: Uint16Array, counts: Uint16Array | Uint32Array | undefined): Uint16Array {
  if (counts === undefined) return ties;
  let most = 0;
  for (const count of counts) if (count > most) most = count;
  // Where the columns with each count begin: the largest count first.
  const next = new Uint32Array(most + 2);
  for (const count of counts) next[most - count + 1] = (next[most - count + 1] ?? 0) + 1;
  for (let place = 1; place < next.length; place++) next[place] = (next[place] ?? 0) + (next[place - 1] ?? 0);
  const order = new Uint16Array(ties.length);
  for (const column of ties) {
    const place = most - (counts[column] ?? 0);
    const rank = next[place] ?? 0;
    order[rank] = column;
    next[place] = rank + 1;
  }
  return order;
}
