import { ClaqError } from '../../../shared/errors.ts';
import { TENSOR_NAMES } from '../../../shared/model.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { HiddenStates } from './hidden-states.ts';
import type { DeviceRoom } from './device-room.ts';
import type { HostMemory } from './host-memory.ts';

/** Values of the embedding table held at a time: 4 Mi float32 are 16 MiB. */
const TABLE_VALUES = 4 * 1024 * 1024;
/** Rows read for nothing rather than starting a new read. */
const GAP_ROWS = 16;

/**
 * The embeddings of the segments' tokens. Rows of the table are read by position, in ascending order and only near ids
 * that occur; each goes to all its places at once, so the table is never held whole. The caller disposes the hidden states.
 * Throws ClaqError tokenizer/does-not-fit for an id outside the table, output/disk-full.
 */
export async function embedSegments(
  checkpoint: Checkpoint,
  segments: readonly Int32Array[],
  memory?: HostMemory,
  room?: DeviceRoom,
): Promise<HiddenStates> {
  const { hiddenSize, vocabSize } = checkpoint.model;
  const places = placesById(segments, vocabSize);
  const hidden = new HiddenStates(
    hiddenSize,
    segments.map((ids) => ids.length),
    memory,
    room,
  );
  try {
    for (const { from, to } of rowRanges(
      [...places.keys()].sort((a, b) => a - b),
      Math.ceil(TABLE_VALUES / hiddenSize),
    )) {
      const rows = await checkpoint.readRows(TENSOR_NAMES.embedding, from, to);
      for (let id = from; id < to; id++) {
        const row = rows.subarray((id - from) * hiddenSize, (id - from + 1) * hiddenSize);
        for (const { segment, position } of places.get(id) ?? []) hidden.setToken(segment, position, row);
      }
    }
    return hidden;
  } catch (error) {
    hidden.dispose();
    throw error;
  }
}

interface Place {
  readonly segment: number;
  readonly position: number;
}

function placesById(segments: readonly Int32Array[], vocabSize: number): Map<number, Place[]> {
  const places = new Map<number, Place[]>();
  segments.forEach((ids, segment) => {
    ids.forEach((id, position) => {
      if (id < 0 || id >= vocabSize) {
        throw new ClaqError('tokenizer/does-not-fit', 'The text has a token that the model does not know', {
          where: `segment ${segment}, token ${position}`,
          expected: `ids from 0 to ${vocabSize - 1}`,
          found: `id ${id}`,
          remedy: "Use the tokenizer.json that belongs to the model's weights",
        });
      }
      const known = places.get(id);
      if (known === undefined) places.set(id, [{ segment, position }]);
      else known.push({ segment, position });
    });
  });
  return places;
}

/** Row ranges [from, to), each of at most `maxRows` rows, that together cover all of the ascending `ids`. */
export function rowRanges(
  ids: readonly number[],
  maxRows: number,
): { readonly from: number; readonly to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const id of ids) {
    const last = ranges.at(-1);
    if (last !== undefined && id - last.to <= GAP_ROWS && id - last.from < maxRows) last.to = id + 1;
    else ranges.push({ from: id, to: id + 1 });
  }
  return ranges;
}
