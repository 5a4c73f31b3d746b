import { pairedRow } from '../../checkpoint/gguf/head-order.ts';

/**
 * Rows of q or k in llama.cpp's order, in pieces of whole heads.
 * @param pieces rows in Hugging Face's order, all of them, encoded, in pieces of any number of rows
 * @param rowBytes of an encoded row; of a bias, of a value
 */
export async function* pairedPieces(
  pieces: AsyncIterable<Uint8Array>,
  headDim: number,
  rowBytes: number,
): AsyncGenerator<Uint8Array> {
  const headBytes = headDim * rowBytes;
  let left = new Uint8Array();
  for await (const piece of pieces) {
    const waiting = new Uint8Array(left.length + piece.length);
    waiting.set(left);
    waiting.set(piece, left.length);
    const whole = waiting.length - (waiting.length % headBytes);
    yield paired(waiting.subarray(0, whole), headDim, rowBytes);
    left = waiting.slice(whole);
  }
}

function paired(rows: Uint8Array, headDim: number, rowBytes: number): Uint8Array {
  const moved = new Uint8Array(rows.length);
  for (let row = 0; row * rowBytes < rows.length; row++) {
    moved.set(rows.subarray(row * rowBytes, (row + 1) * rowBytes), pairedRow(row, headDim) * rowBytes);
  }
  return moved;
}
