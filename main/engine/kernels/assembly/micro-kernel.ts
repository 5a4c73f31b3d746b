/**
 * The one inner product kernel: c[6][8] += a[k][6]^T b[k][8]. Twelve accumulators, two operand vectors and one
 * broadcast fill the sixteen SSE registers; k runs in one order, so the sum of an element never depends on threads.
 */

// @ts-ignore: decorator
@inline
function madd(x: v128, y: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.relaxed_madd(x, y, sum);
  }
  return f32x4.add(sum, f32x4.mul(x, y));
}

/** sum + x * y, fused where the build has relaxed SIMD. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(x: v128, y: v128, sum: v128): v128 {
  return madd(x, y, sum);
}

/**
 * @param a panel, [k][6] floats
 * @param b strip, [k][8] floats
 * @param c six rows of eight floats, `stride` bytes apart
 */
export function microKernel(a: usize, b: usize, c: usize, stride: usize, k: i32): void {
  const r1 = c + stride;
  const r2 = r1 + stride;
  const r3 = r2 + stride;
  const r4 = r3 + stride;
  const r5 = r4 + stride;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(r1);
  let c11 = v128.load(r1, 16);
  let c20 = v128.load(r2);
  let c21 = v128.load(r2, 16);
  let c30 = v128.load(r3);
  let c31 = v128.load(r3, 16);
  let c40 = v128.load(r4);
  let c41 = v128.load(r4, 16);
  let c50 = v128.load(r5);
  let c51 = v128.load(r5, 16);
  for (let i = 0; i < k; i++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd(x, b0, c00);
    c01 = madd(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd(x, b0, c10);
    c11 = madd(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd(x, b0, c20);
    c21 = madd(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd(x, b0, c30);
    c31 = madd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = madd(x, b0, c40);
    c41 = madd(x, b1, c41);
    x = v128.load32_splat(a, 20);
    c50 = madd(x, b0, c50);
    c51 = madd(x, b1, c51);
    a += 24;
    b += 32;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(r1, c10);
  v128.store(r1, c11, 16);
  v128.store(r2, c20);
  v128.store(r2, c21, 16);
  v128.store(r3, c30);
  v128.store(r3, c31, 16);
  v128.store(r4, c40);
  v128.store(r4, c41, 16);
  v128.store(r5, c50);
  v128.store(r5, c51, 16);
}
