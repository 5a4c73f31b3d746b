/** The bytes that a tensor of a packed model shall hold: shared by the writing and by the check after it. */
import { open } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { encodeFloats } from '../checkpoint/half-precision.ts';
import { tensorPieces } from '../export/dense-tensors.ts';
import type { CopiedArray, PlannedTensor } from './packed-layout.ts';

/** Copied at a time. */
const COPY_BYTES = 4 * 2 ** 20;

/** In pieces, each to be used before the next is asked for. Throws ClaqError result/malformed, weights/*. */
export async function* plannedBytes(
  checkpoint: Checkpoint,
  { name, dtype, array, bytes }: PlannedTensor,
): AsyncGenerator<Uint8Array> {
  const entry = checkpoint.tensors.get(name);
  if (array !== undefined) {
    yield* arrayBytes(array);
  } else if (entry?.sourceDtype !== undefined) {
    for await (const { values } of tensorPieces(checkpoint, entry, entry.sourceDtype, undefined)) {
      yield encodeFloats(entry.sourceDtype, values);
    }
  } else {
    if (entry !== undefined && entry.dtype !== dtype)
      throw new RangeError(`${name} is ${entry.dtype}, not ${dtype}`);
    for (let from = 0; from < bytes; from += COPY_BYTES) {
      yield await checkpoint.readBytes(name, from, Math.min(bytes, from + COPY_BYTES));
    }
  }
}

async function* arrayBytes({ path, position, bytes }: CopiedArray): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const piece = new Uint8Array(Math.min(bytes, COPY_BYTES));
    for (let done = 0; done < bytes;) {
      const length = Math.min(bytes - done, piece.length);
      const { bytesRead } = await file.read(piece, 0, length, position + done);
      if (bytesRead === 0) throw shortened(path, position + bytes, position + done);
      yield piece.subarray(0, bytesRead);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
}

function shortened(path: string, expected: number, found: number): ClaqError {
  return new ClaqError('result/malformed', 'A file of the run ended while it was read', {
    where: path,
    expected: `${expected} bytes`,
    found: `${found} bytes`,
    remedy: 'quantize the model again',
  });
}
