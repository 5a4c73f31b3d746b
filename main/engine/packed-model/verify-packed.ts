/** The check after a packed export: the folder is opened by the reader, and every array, tensor and decoded weight compared. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { companionText, CONFIG_FILE } from '../checkpoint/companion-files.ts';
import { dequantize } from '../claq/quantized-matrix.ts';
import { positionText } from '../export/dense-tensors.ts';
import type { Replacements } from '../export/dense-tensors.ts';
import type { CheckHooks, TensorReport } from '../export/export-format.ts';
import { mismatch, reopened, shown } from '../export/failed-check.ts';
import { areFinite, haveSameCodes } from '../result/same-codes.ts';
import { openPacked } from './open-packed.ts';
import type { PackedCheckpoint } from './packed-checkpoint.ts';
import { exactEntries } from '../checkpoint/exact-json.ts';
import { DTYPE_KEY } from './packed-config.ts';
import { plannedBytes } from './packed-bytes.ts';
import { type PackedLayout, type PlannedTensor, tensorBytes } from './packed-layout.ts';

export interface PackedVerification extends CheckHooks, Replacements {
  readonly checkpoint: Checkpoint;
  readonly layout: PackedLayout;
  /** The written folder. */
  readonly folder: string;
}

const PHASE = 'Checking the written model';

/** Throws ClaqError output/verification-failed at the first difference, run/cancelled. Nothing is rounded in this format. */
export async function verifyPacked(request: PackedVerification): Promise<TensorReport> {
  const { layout, folder, signal, onProgress } = request;
  const written = await reopened(folder, () => openPacked(folder));
  try {
    await compareDescriptions(request, written);
    const planned = layout.shards.flatMap(({ file, tensors }) => tensors.map((tensor) => ({ file, tensor })));
    const total = planned.length + layout.matrices.size;
    let done = 0;
    const next = (detail: string): void => {
      throwIfCancelled(signal, 'export');
      onProgress?.({ phase: PHASE, done, total, unit: 'tensors', detail });
      done += 1;
    };
    for (const { file, tensor } of planned) {
      next(tensor.name);
      await compareBytes(request, written, file, tensor);
    }
    for (const name of layout.matrices.keys()) {
      next(name);
      await compareWeights(request, written, `${name}.weight`);
    }
    onProgress?.({ phase: PHASE, done: total, total, unit: 'tensors' });
    const bytes = layout.shards.reduce((sum, { tensors }) => sum + tensorBytes(tensors), 0);
    return { tensors: planned.length, bytes, maxRounding: 0 };
  } finally {
    await written.close();
  }
}

/** Same model, same matrices, same shards with the same tensors in the same order; the source's config.json but for its order. */
async function compareDescriptions(
  { checkpoint, layout, folder }: PackedVerification,
  written: PackedCheckpoint,
): Promise<void> {
  const entries = async (of: Checkpoint): Promise<[string, unknown][]> =>
    exactEntries((await companionText(of.companions, CONFIG_FILE)) ?? '{}');
  const source = await entries(checkpoint);
  const saysDtype = source.some(([key]) => key === 'dtype' || key === DTYPE_KEY);
  const leftOut = new Set(['quantization_config', ...(saysDtype ? [] : [DTYPE_KEY])]);
  const sorted = (of: [string, unknown][]): unknown =>
    of.filter(([key]) => !leftOut.has(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  const named = layout.shards.map(({ file, tensors }) => ({
    file,
    tensors: tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
  }));
  const parts: [string, unknown, unknown][] = [
    ['the model', checkpoint.model, written.model],
    [CONFIG_FILE, sorted(source), sorted(await entries(written))],
    ['the matrices', Object.fromEntries(layout.matrices), written.claq.matrices],
    ['the weights files', named, written.storedShards()],
  ];
  for (const [part, expected, found] of parts) {
    const [wanted, got] = [JSON.stringify(expected), JSON.stringify(found)];
    if (wanted !== got) throw mismatch(`${folder}, ${part}`, ...firstDifference(wanted, got));
  }
}

async function compareBytes(
  { checkpoint }: PackedVerification,
  written: PackedCheckpoint,
  shard: string,
  tensor: PlannedTensor,
): Promise<void> {
  let from = 0;
  for await (const wanted of plannedBytes(checkpoint, tensor)) {
    const found = await written.readStored(shard, tensor.name, from, from + wanted.length);
    if (Buffer.compare(wanted, found) !== 0) {
      const differs = wanted.findIndex((byte, i) => byte !== found[i]);
      const where = `${written.folder}, tensor ${tensor.name}, byte [${from + differs}]`;
      throw mismatch(where, String(wanted[differs]), String(found[differs]));
    }
    from += wanted.length;
  }
}

/** The same codes are the same weights; where the codes are others, or none are given, weights are compared one by one. */
async function compareWeights(
  request: PackedVerification,
  written: PackedCheckpoint,
  name: string,
): Promise<void> {
  const codes = await request.coded?.(name);
  const stored = codes === undefined ? undefined : await written.readQuantized(name);
  if (codes !== undefined && stored !== undefined && haveSameCodes(codes, stored) && areFinite(stored))
    return;
  const wanted = codes === undefined ? await request.quantized(name) : dequantize(codes);
  compareValues(wanted ?? new Float32Array(), await written.read(name), written, name);
}

function compareValues(
  wanted: Float32Array,
  found: Float32Array,
  written: PackedCheckpoint,
  name: string,
): void {
  const where = `${written.folder}, tensor ${name}`;
  if (wanted.length !== found.length) throw mismatch(where, `${wanted.length} weights`, `${found.length}`);
  for (let i = 0; i < wanted.length; i++) {
    // Object.is tells -0 from 0.
    if (Object.is(wanted[i], found[i])) continue;
    const position = positionText(written.tensors.get(name)?.shape ?? [], 0, i);
    throw mismatch(`${where}, ${position}`, shown(wanted[i]), shown(found[i]));
  }
}

/** Where two long texts begin to differ. */
function firstDifference(wanted: string, got: string): [string, string] {
  let at = 0;
  while (at < wanted.length && wanted[at] === got[at]) at += 1;
  const from = Math.max(0, at - 40);
  return [wanted.slice(from, from + 200), got.slice(from, from + 200)];
}
