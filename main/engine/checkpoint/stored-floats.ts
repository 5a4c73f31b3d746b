/** What every reader of weights does with the floats that it decodes, whatever format they stood in. */
import { ClaqError } from '../../../shared/errors.ts';
import { shapeText } from './safetensors-dtype.ts';

/** Throws ClaqError engine/out-of-memory. */
export function allocateFloats(count: number, where: string): Float32Array<ArrayBuffer> {
  try {
    return new Float32Array(count);
  } catch (cause) {
    throw new ClaqError('engine/out-of-memory', 'There is not enough memory for a tensor', {
      where,
      expected: `${count * 4} bytes`,
      remedy: 'close other programs or use a machine with more memory',
      cause,
    });
  }
}

/**
 * The error for a tensor that holds NaN or an infinity.
 * @param where the file, and the tensor as the file calls it
 * @param index of the value in the tensor, row-major
 */
export function notFiniteWeights(
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  where: string,
  index: number,
  value: number | undefined,
  remedy = 'download the file again; if it is the same, the model itself is broken',
): ClaqError {
  const columns = shape.at(-1) ?? 1;
  const position =
    shape.length < 2
      ? `element ${shapeText([index])}`
      : `[row, column] ${shapeText([Math.floor(index / columns), index % columns])}`;
  return new ClaqError('weights/not-finite', `The weights of ${name} are not all finite numbers`, {
    where: `${where}, ${position}`,
    expected: 'finite numbers',
    found: String(value),
    remedy,
  });
}
