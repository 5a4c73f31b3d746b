import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import {
  BatchMatMul,
  type BatchMatMulAttrs,
  type KernelBackend,
  type NamedTensorInfoMap,
  type TensorInfo,
  getKernel,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { type ProductOperand, multiply } from '../kernels/product.ts';

/** Below this many multiplications, waking the threads costs more than it saves. */
const SMALLEST_PRODUCT = 1 << 18;

/**
 * Gives tfjs's WebAssembly backend a matrix product on our kernel threads. Its own runs on one thread, and tens of times
 * slower when an operand is transposed, as the weights of a linear layer are.
 * @returns puts the stock kernel back
 */
export function useKernelsForMatMul(pool: KernelPool): () => void {
  const stock = getKernel(BatchMatMul, 'wasm');
  unregisterKernel(BatchMatMul, 'wasm');
  registerKernel({
    ...stock,
    kernelFunc: (params) => {
      const product = describeProduct(params.inputs, params.attrs);
      const small = product === undefined || product.m * product.k * product.n < SMALLEST_PRODUCT;
      if (small || !(params.backend instanceof BackendWasm)) return stock.kernelFunc(params);
      return run(pool, params.backend, product);
    },
  });
  return () => {
    unregisterKernel(BatchMatMul, 'wasm');
    registerKernel(stock);
  };
}

interface Product {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Undefined for products that are left to the stock kernel: batches that broadcast, and other types than float32. */
function describeProduct(inputs: NamedTensorInfoMap, attrs: unknown): Product | undefined {
  const { a, b } = inputs;
  if (a === undefined || b === undefined || a.dtype !== 'float32' || b.dtype !== 'float32') return undefined;
  if (!isBatchMatMulAttrs(attrs)) return undefined;
  const { transposeA, transposeB } = attrs;
  const batch = a.shape.slice(0, -2);
  const sameBatch = b.shape.length === a.shape.length && batch.every((size, i) => size === b.shape[i]);
  if (!sameBatch) return undefined;
  const [aRows = 0, aColumns = 0] = a.shape.slice(-2);
  const [bRows = 0, bColumns = 0] = b.shape.slice(-2);
  const m = transposeA ? aColumns : aRows;
  const k = transposeA ? aRows : aColumns;
  const n = transposeB ? bRows : bColumns;
  return { a, b, batch, m, k, n, transposeA, transposeB };
}

function isBatchMatMulAttrs(attrs: unknown): attrs is BatchMatMulAttrs {
  if (typeof attrs !== 'object' || attrs === null) return false;
  if (!('transposeA' in attrs && 'transposeB' in attrs)) return false;
  return typeof attrs.transposeA === 'boolean' && typeof attrs.transposeB === 'boolean';
}

function run(pool: KernelPool, backend: BackendWasm & KernelBackend, product: Product): TensorInfo {
  const { m, k, n, batch, transposeA, transposeB } = product;
  const out = backend.makeOutput([...batch, m, n], 'float32');
  const products = batch.reduce((count, size) => count * size, 1);
  const operand = (values: Float32Array, width: number, transposed: boolean): ProductOperand => ({
    values,
    rowStride: transposed ? 1 : width,
    columnStride: transposed ? width : 1,
  });
  for (let i = 0; i < products; i++) {
    // Views are made anew for each product: making the output may have moved the heap.
    const a = floats(backend, product.a).subarray(i * m * k, (i + 1) * m * k);
    const b = floats(backend, product.b).subarray(i * k * n, (i + 1) * k * n);
    const result = floats(backend, out).subarray(i * m * n, (i + 1) * m * n);
    multiply(
      pool,
      operand(a, transposeA ? m : k, transposeA),
      operand(b, transposeB ? k : n, transposeB),
      [m, k, n],
      (values, stride) => {
        if (stride === n) result.set(values);
        else
          for (let row = 0; row < m; row++)
            result.set(values.subarray(row * stride, row * stride + n), row * n);
      },
    );
  }
  return out;
}

function floats(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  const values = backend.typedArrayFromHeap(tensor);
  if (values instanceof Float32Array) return values;
  throw new TypeError(`expected a float32 tensor, found ${tensor.dtype}`);
}
