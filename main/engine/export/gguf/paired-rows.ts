import { pairedRow } from '../../checkpoint/gguf/head-order.ts';
import type { TensorPiece } from '../dense-tensors.ts';

/**
 * Rows of q or k in llama.cpp's order, in pieces of whole heads.
 * @param pieces rows in Hugging Face's order, all of them, in pieces of any number of rows
 * @param columns of a row; 1 for a bias
 */
export async function* pairedPieces(
  pieces: AsyncIterable<TensorPiece>,
  headDim: number,
  columns: number,
): AsyncGenerator<Float32Array> {
  const headValues = headDim * columns;
  let left = new Float32Array();
  for await (const { values } of pieces) {
    const waiting = new Float32Array(left.length + values.length);
    waiting.set(left);
    waiting.set(values, left.length);
    const whole = waiting.length - (waiting.length % headValues);
    yield paired(waiting.subarray(0, whole), headDim, columns);
    left = waiting.slice(whole);
  }
}

function paired(rows: Float32Array, headDim: number, columns: number): Float32Array {
  const moved = new Float32Array(rows.length);
  for (let row = 0; row * columns < rows.length; row++) {
    moved.set(rows.subarray(row * columns, (row + 1) * columns), pairedRow(row, headDim) * columns);
  }
  return moved;
}
