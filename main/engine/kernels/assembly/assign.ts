/** Quantizes one column: nearest centroid (or grid point) of every row, reserved entries, errors and loss. */
import { STRIP_BYTES } from './layout';
import { roundToHalf } from './half';

/** Where one column's inputs and outputs stand. One object a thread: no allocation in the loop. */
@unmanaged
export class Column {
  rows: i32;
  strips: i32;
  /** Current (compensated) values, [strips x 8]. */
  values: usize;
  /** Original values, [strips x 8]; the errors take their place. */
  original: usize;
  codes: usize;
  codebook: usize;
  centroids: i32;
  /** Entries at or beyond these values are reserved, as long as the counts last. */
  reservedLow: i32;
  reservedHigh: i32;
  lowThreshold: f32;
  highThreshold: f32;
  /** How many of the entries equal to a threshold belong to its tail. */
  lowTies: i32;
  highTies: i32;
  /** 1 (u8) for each row whose entry is reserved, in place of thresholds; 0 where these decide. */
  marks: usize;
  reservedRows: usize;
  reservedValues: usize;
  scales: usize;
  zeros: usize;
  /** What values were divided by, row by row [strips x 8]; 0 for 1. */
  rowScales: usize;
}

/** All ones for the rows that exist in the strip that begins at `row`, four lanes from `lane` on. */
// @ts-ignore: decorator
@inline
function present(rows: i32, row: i32, lane: i32): v128 {
  return i32x4.lt_s(i32x4.add(i32x4.splat(row + lane), i32x4(0, 1, 2, 3)), i32x4.splat(rows));
}

/**
 * Nearest centroid by comparing with the midpoints between neighbours; a value on a midpoint takes the lower one.
 * @param midpoints room for centroids - 1 floats, and with at most 16 centroids for their bytes behind 16 floats
 * @returns sum of squared errors
 */
export function assignCodebook(column: Column, midpoints: usize): f64 {
  const k = column.centroids;
  const codebook = column.codebook;
  for (let c = 0; c + 1 < k; c++) {
    const at = <usize>c << 2;
    store<f32>(midpoints + at, load<f32>(codebook + at) * 0.5 + load<f32>(codebook + at, 4) * 0.5);
  }
  const planes = midpoints + 64;
  if (k <= 16) splitBytes(codebook, k, planes);
  const plane0 = v128.load(planes);
  const plane1 = v128.load(planes, 16);
  const plane2 = v128.load(planes, 32);
  const plane3 = v128.load(planes, 48);
  const end = <usize>(k - 1) << 2;
  let loss = f64x2.splat(0);
  const reserving = column.reservedLow + column.reservedHigh > 0;
  for (let strip = 0; strip < column.strips; strip++) {
    const w0 = v128.load(column.values + <usize>strip * STRIP_BYTES);
    const w1 = v128.load(column.values + <usize>strip * STRIP_BYTES, 16);
    let q0: v128;
    let q1: v128;
    const codes = column.codes + (<usize>strip << 3);
    if (k <= 16) {
      let code0 = i32x4.splat(0);
      let code1 = i32x4.splat(0);
      for (let at: usize = 0; at < end; at += 4) {
        const middle = v128.load32_splat(midpoints + at);
        code0 = i32x4.sub(code0, f32x4.gt(w0, middle));
        code1 = i32x4.sub(code1, f32x4.gt(w1, middle));
      }
      const narrow = i16x8.narrow_i32x4_u(code0, code1);
      const code = i8x16.narrow_i16x8_u(narrow, narrow);
      v128.store64_lane(codes, code, 0);
      const low = interleaveBytes(i8x16.swizzle(plane0, code), i8x16.swizzle(plane1, code));
      const high = interleaveBytes(i8x16.swizzle(plane2, code), i8x16.swizzle(plane3, code));
      q0 = i16x8.shuffle(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
      q1 = i16x8.shuffle(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
    } else {
      for (let lane = 0; lane < 8; lane++) {
        const w = load<f32>(column.values + <usize>strip * STRIP_BYTES + (<usize>lane << 2));
        let low = 0;
        let high = k - 1;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (w > load<f32>(midpoints + (<usize>middle << 2))) low = middle + 1;
          else high = middle;
        }
        store<u8>(codes + <usize>lane, <u8>low);
      }
      q0 = lookUp(codebook, codes);
      q1 = lookUp(codebook, codes + 4);
    }
    loss = f64x2.add(loss, finishStrip(column, strip, w0, w1, q0, q1, reserving));
  }
  return f64x2.extract_lane(loss, 0) + f64x2.extract_lane(loss, 1);
}

/** The codebook's floats taken apart: first the lowest byte of each of 16, then the next, ... */
function splitBytes(codebook: usize, k: i32, planes: usize): void {
  for (let c = 0; c < k; c++) {
    for (let byte = 0; byte < 4; byte++) {
      store<u8>(planes + <usize>((byte << 4) + c), load<u8>(codebook + <usize>((c << 2) + byte)));
    }
  }
}

/** The first eight bytes of each, in turn. */
// @ts-ignore: decorator
@inline
function interleaveBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

function lookUp(codebook: usize, codes: usize): v128 {
  return f32x4(
    load<f32>(codebook + (<usize>load<u8>(codes) << 2)),
    load<f32>(codebook + (<usize>load<u8>(codes, 1) << 2)),
    load<f32>(codebook + (<usize>load<u8>(codes, 2) << 2)),
    load<f32>(codebook + (<usize>load<u8>(codes, 3) << 2)),
  );
}

/**
 * Nearest point of a uniform grid with a scale and a zero point a row: q = scale (clamp(round(w / scale) + zero) - zero).
 * @returns sum of squared errors
 */
export function assignGrid(column: Column, width: i32): f64 {
  const top = f32x4.splat(<f32>((1 << width) - 1));
  const bottom = f32x4.splat(0);
  let loss = f64x2.splat(0);
  const reserving = column.reservedLow + column.reservedHigh > 0;
  for (let strip = 0; strip < column.strips; strip++) {
    const at = <usize>strip * STRIP_BYTES;
    const w0 = v128.load(column.values + at);
    const w1 = v128.load(column.values + at, 16);
    const s0 = v128.load(column.scales + at);
    const s1 = v128.load(column.scales + at, 16);
    const z0 = v128.load(column.zeros + at);
    const z1 = v128.load(column.zeros + at, 16);
    const g0 = f32x4.max(bottom, f32x4.min(top, f32x4.add(f32x4.nearest(f32x4.div(w0, s0)), z0)));
    const g1 = f32x4.max(bottom, f32x4.min(top, f32x4.add(f32x4.nearest(f32x4.div(w1, s1)), z1)));
    const narrow = i16x8.narrow_i32x4_u(i32x4.trunc_sat_f32x4_s(g0), i32x4.trunc_sat_f32x4_s(g1));
    v128.store64_lane(column.codes + (<usize>strip << 3), i8x16.narrow_i16x8_u(narrow, narrow), 0);
    const q0 = f32x4.mul(s0, f32x4.sub(g0, z0));
    const q1 = f32x4.mul(s1, f32x4.sub(g1, z1));
    loss = f64x2.add(loss, finishStrip(column, strip, w0, w1, q0, q1, reserving));
  }
  return f64x2.extract_lane(loss, 0) + f64x2.extract_lane(loss, 1);
}

/** Puts reserved entries in, stores the errors that later columns compensate, returns the squared errors of the strip. */
function finishStrip(column: Column, strip: i32, w0: v128, w1: v128, q0: v128, q1: v128, reserving: bool): v128 {
  const row = strip << 3;
  if (reserving && column.marks != 0) {
    if (load<u64>(column.marks + <usize>row) != 0) {
      q0 = reserveFour(column, row, w0, q0);
      q1 = reserveFour(column, row + 4, w1, q1);
    }
  } else if (reserving) {
    const low = f32x4.splat(column.lowThreshold);
    const high = f32x4.splat(column.highThreshold);
    const tail0 = v128.or(f32x4.le(w0, low), f32x4.ge(w0, high));
    const tail1 = v128.or(f32x4.le(w1, low), f32x4.ge(w1, high));
    if (v128.any_true(v128.or(tail0, tail1))) {
      q0 = reserveFour(column, row, w0, q0);
      q1 = reserveFour(column, row + 4, w1, q1);
    }
  }
  const exists0 = present(column.rows, row, 0);
  const exists1 = present(column.rows, row, 4);
  const e0 = v128.and(f32x4.sub(w0, q0), exists0);
  const e1 = v128.and(f32x4.sub(w1, q1), exists1);
  const at = column.original + <usize>strip * STRIP_BYTES;
  // What later columns make up for is the distance from the original weight (LDLQ), not from the compensated one.
  v128.store(at, v128.and(f32x4.sub(v128.load(at), q0), exists0));
  v128.store(at, v128.and(f32x4.sub(v128.load(at, 16), q1), exists1), 16);
  let s0 = f32x4.mul(e0, e0);
  let s1 = f32x4.mul(e1, e1);
  if (column.rowScales != 0) {
    const scale0 = v128.load(column.rowScales + <usize>strip * STRIP_BYTES);
    const scale1 = v128.load(column.rowScales + <usize>strip * STRIP_BYTES, 16);
    s0 = f32x4.mul(s0, f32x4.mul(scale0, scale0));
    s1 = f32x4.mul(s1, f32x4.mul(scale1, scale1));
  }
  return f64x2.add(
    f64x2.add(f64x2.promote_low_f32x4(s0), f64x2.promote_low_f32x4(i32x4.shuffle(s0, s0, 2, 3, 2, 3))),
    f64x2.add(f64x2.promote_low_f32x4(s1), f64x2.promote_low_f32x4(i32x4.shuffle(s1, s1, 2, 3, 2, 3))),
  );
}

/** The values of four entries after reservation; their rows begin with `row`. */
// @ts-ignore: decorator
@inline
function reserveFour(column: Column, row: i32, w: v128, q: v128): v128 {
  q = f32x4.replace_lane(q, 0, reserve(column, row, f32x4.extract_lane(w, 0), f32x4.extract_lane(q, 0)));
  q = f32x4.replace_lane(q, 1, reserve(column, row + 1, f32x4.extract_lane(w, 1), f32x4.extract_lane(q, 1)));
  q = f32x4.replace_lane(q, 2, reserve(column, row + 2, f32x4.extract_lane(w, 2), f32x4.extract_lane(q, 2)));
  return f32x4.replace_lane(q, 3, reserve(column, row + 3, f32x4.extract_lane(w, 3), f32x4.extract_lane(q, 3)));
}

/** The value of one entry after reservation: itself as a half where it belongs to a tail, else q. Rows come ascending. */
function reserve(column: Column, row: i32, w: f32, q: f32): f32 {
  if (row >= column.rows) return q;
  let taken = column.marks != 0 && load<u8>(column.marks + <usize>row) != 0;
  if (column.marks != 0) {
    if (!taken) return q;
  } else if (column.reservedLow > 0 && w <= column.lowThreshold) {
    if (w < column.lowThreshold) taken = true;
    else if (column.lowTies > 0) {
      column.lowTies -= 1;
      taken = true;
    }
    if (taken) column.reservedLow -= 1;
  }
  if (!taken && column.marks == 0 && column.reservedHigh > 0 && w >= column.highThreshold) {
    if (w > column.highThreshold) taken = true;
    else if (column.highTies > 0) {
      column.highTies -= 1;
      taken = true;
    }
    if (taken) column.reservedHigh -= 1;
  }
  if (!taken) return q;
  // What is kept is the weight itself, not what is left of it when its row's scale is taken out.
  const scale: f32 = column.rowScales == 0 ? 1 : load<f32>(column.rowScales + (<usize>row << 2));
  const half = roundToHalf(w * scale);
  store<i32>(column.reservedRows, row);
  store<f32>(column.reservedValues, half);
  column.reservedRows += 4;
  column.reservedValues += 4;
  store<u8>(column.codes + <usize>row, 0);
  return half / scale;
}
