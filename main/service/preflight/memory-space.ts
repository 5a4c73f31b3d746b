/** Memory of the host and of a card as a preflight shows it. */
import { totalmem } from 'node:os';
import type { EngineName } from '../../../shared/engine.ts';
import type { BytesPart, Space } from '../../../shared/preflight.ts';
import { calibrationBytes } from '../../engine/activation-bytes.ts';
import { freeMemory } from '../../engine/transformer/host-memory.ts';
import { type MemoryNeeds, type MemoryQuestion, deviceNeeds } from './memory-needs.ts';

/**
 * Bytes of a process that has next to nothing to compute: the program, its libraries, its threads. The peak of the demo model on
 * 4 x 128 tokens was 321 MB on WebAssembly and 638 MB with TensorFlow on the CPU (Linux, Node 24, 2 threads); 2 GB with CUDA's
 * libraries are a guess.
 */
export const PROCESS_BYTES: Readonly<Record<EngineName, number>> = {
  wasm: 0.3e9,
  'tensorflow-cpu': 0.6e9,
  'tensorflow-gpu': 2e9,
};

/** Of a card, before anything is computed: CUDA's context and the code of its libraries. A guess; cards differ. */
const CARD_BASE_BYTES = 0.6e9;

/** Bytes in memory for each byte of a text that is held whole: characters of two bytes, and token ids as JavaScript's numbers. */
const HELD_TEXT = 6;

/** What stands in host memory beside the tensors. */
export interface HostQuestion {
  readonly engine: EngineName;
  readonly needs: MemoryNeeds;
  /** Bytes of activations that may be held; the others go to the disk. */
  readonly hostMemory: number;
  /** Bytes of texts that are read whole. */
  readonly textBytes: number;
}

/** The largest of what stands at a time, as the sum of its parts; what is free is what this process may still take. */
export function memorySpace({ engine, needs, hostMemory, textBytes }: HostQuestion): Space {
  const held = Math.min(needs.activations, hostMemory);
  const parts: BytesPart[] = [
    {
      name: 'Activations',
      bytes: held,
      basis: `hidden states of all segments and windows, and the widest inputs of a group${
        held < needs.activations ? '; the rest goes to the disk' : ''
      }`,
    },
    {
      name: "Kernels' memory",
      bytes: needs.kernels,
      basis: `weights, errors and codes of ${needs.largestGroup.join(', ')}`,
    },
    { name: 'Weights of a group', bytes: needs.groupWeights, basis: 'as floats, their codes, and looked up' },
    ...(engine === 'tensorflow-gpu' ? [] : deviceParts(needs.device)),
    {
      name: 'Program and engine',
      bytes: PROCESS_BYTES[engine],
      basis: 'measured on a run of next to nothing',
    },
    { name: 'Texts', bytes: HELD_TEXT * textBytes, basis: 'what is read of them at once, and its tokens' },
  ];
  return { needed: sumOf(parts), free: freeMemory(), total: totalMemory(), parts };
}

/**
 * @param cardBytes memory of the card; null where that is not known
 * @param staying bytes of activations that stay there
 */
export function gpuSpace({ device }: MemoryNeeds, cardBytes: number | null, staying = 0): Space {
  const parts = [
    ...deviceParts(device),
    ...(staying === 0
      ? []
      : [{ name: 'Activations that stay', bytes: staying, basis: 'hidden states and inputs of groups' }]),
    { name: 'CUDA', bytes: CARD_BASE_BYTES, basis: 'its context and libraries, at a guess' },
  ];
  return { needed: sumOf(parts), free: null, total: cardBytes, parts };
}

/** Of the activations that a run holds, those that may stay on the device. */
export function stayingBytes(
  { model, segments }: Pick<MemoryQuestion, 'model' | 'segments'>,
  deviceActivations = 0,
): number {
  return Math.min(deviceActivations, calibrationBytes(model, segments.count * segments.length));
}

/** Tokens of the smallest batches that a run goes over to where a card's memory runs out (batch-sizes.ts). */
const FEWEST_TOKENS = 64;

/** What a run takes of a card with the smallest batches: with less it cannot work. */
export function leastGpuBytes(question: MemoryQuestion): number {
  const few = (count: number): { count: number; length: number } => ({ count, length: FEWEST_TOKENS });
  const { block, step } = deviceNeeds({
    ...question,
    segments: few(question.segments.count),
    windows: few(question.windows.count),
  });
  return block + step.bytes + CARD_BASE_BYTES;
}

function deviceParts({ block, step }: MemoryNeeds['device']): BytesPart[] {
  return [
    { name: 'Weights of a block', bytes: block, basis: 'in float32, for the tensor operations' },
    { name: 'Largest step', bytes: step.bytes, basis: step.name },
  ];
}

/** Of the machine, or what a container may take of it. */
function totalMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

function sumOf(parts: readonly BytesPart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
