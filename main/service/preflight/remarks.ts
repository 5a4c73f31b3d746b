/** What stands in the way of a run, or should be known before it. Sentences for people. */
import type { EngineName } from '../../../shared/engine.ts';
import type { ClaqError } from '../../../shared/errors.ts';
import type { Preflight, Space } from '../../../shared/preflight.ts';
import { readableBytes, readableDuration } from '../../../shared/readable-quantities.ts';
import { DEFAULT_SEGMENTS } from '../../../shared/requests.ts';
import { isDisturbed } from './other-work.ts';

export type Remark = Preflight['remarks'][number];

/** From here on it is worth a word that another engine is faster. */
const LONG_SECONDS = 1800;

export interface RemarkQuestion {
  readonly engine: EngineName;
  readonly faults: readonly ClaqError[];
  readonly segments: number;
  readonly windows: number;
  readonly seconds: number;
  /** Whether the time follows from anything that was measured on this machine. */
  readonly measured: boolean;
  /** Cores that other programs kept busy while that was measured which the time follows from. */
  readonly otherCores: number;
  readonly memory: Space;
  readonly spilled: number;
  readonly disk: Preflight['disk'];
  readonly gpuMemory: Space | null;
  /** Bytes of activations that are to stay there. */
  readonly staying: number;
  /** Bytes of a card below which there is no going on in smaller batches. */
  readonly leastGpuBytes: number;
}

export function remarksOn(question: RemarkQuestion): Remark[] {
  const { faults, engine, seconds, segments, windows } = question;
  return [
    ...faults.map(refusal),
    ...diskRemarks(question),
    ...gpuRemarks(question),
    ...memoryRemarks(question),
    ...when(segments < DEFAULT_SEGMENTS, {
      severity: 'warn',
      text: `Calibrates on ${segments} ${segments === 1 ? 'segment' : 'segments'}; the paper takes ${DEFAULT_SEGMENTS}. Fewer are faster, and the result may be worse.`,
    }),
    ...when(windows === 0, {
      severity: 'warn',
      text: 'Perplexity is not measured: nothing will tell how good the result is.',
    }),
    ...when(engine === 'wasm' && seconds > LONG_SECONDS, {
      severity: 'warn',
      text: `Everything is computed in WebAssembly, in ${readableDuration(seconds)}. TensorFlow is about twice as fast (claq setup).`,
    }),
    ...when(isDisturbed(question.otherCores), {
      severity: 'warn',
      text: `Other programs kept ${readableCores(question.otherCores)} busy while the speed of this machine was measured: without them the run takes less time than is said here.`,
    }),
    ...when(!question.measured, {
      severity: 'warn',
      text: 'Nothing was measured on this machine yet: the time is a guess, from another machine.',
    }),
  ];
}

/** An error as the sentence that a run would end with. */
export function refusal({ message, where, expected, found, remedy }: ClaqError): Remark {
  const details = [
    ...(where === undefined ? [] : [where]),
    ...(found === undefined ? [] : [`found ${found}`]),
    ...(expected === undefined ? [] : [`expected ${expected}`]),
  ];
  const told = details.length === 0 ? '' : ` (${details.join('; ')})`;
  return { severity: 'refuse', text: `${message}${told}${remedy === undefined ? '' : `: ${remedy}`}.` };
}

function diskRemarks({ disk: { needed, free, folder } }: RemarkQuestion): Remark[] {
  return when(free !== null && needed > free, {
    severity: 'refuse',
    text: `The disk has too little free space: ${readableBytes(needed)} are needed in ${folder}, and ${readableBytes(free ?? 0)} are free.`,
  });
}

function gpuRemarks({ gpuMemory, staying, leastGpuBytes }: RemarkQuestion): Remark[] {
  const card = gpuMemory?.total ?? null;
  if (gpuMemory === null || card === null) return [];
  const has = `the GPU has ${readableBytes(card)}`;
  if (leastGpuBytes > card) {
    return [
      {
        severity: 'refuse',
        text: `The GPU's memory is too small for a block of this model: ${readableBytes(leastGpuBytes)} are needed even in the smallest batches, and ${has}. Compute on the CPU instead.`,
      },
    ];
  }
  const slower =
    gpuMemory.needed - staying > card
      ? 'The run goes over to smaller batches, which are slower.'
      : `Of the activations that are to stay there, ${readableBytes(Math.max(0, card - (gpuMemory.needed - staying)))} have room.`;
  return when(gpuMemory.needed > card, {
    severity: 'warn',
    text: `The GPU's memory is short: ${readableBytes(gpuMemory.needed)} are needed, and ${has}. ${slower}`,
  });
}

function memoryRemarks({ memory, spilled, disk }: RemarkQuestion): Remark[] {
  return [
    ...when(spilled > 0, {
      severity: 'warn',
      text: `Activations do not fit in memory: ${readableBytes(spilled)} go to ${disk.folder}, which is slower. Fewer or shorter segments take less.`,
    }),
    ...when(memory.free !== null && memory.needed > memory.free, {
      severity: 'warn',
      text: `Memory is short: ${readableBytes(memory.needed)} are needed, and ${readableBytes(memory.free ?? 0)} are free. Close other programs, or allow less for activations.`,
    }),
  ];
}

function readableCores(cores: number): string {
  const shown = cores.toFixed(1);
  return shown === '1.0' ? 'one core' : `${shown} cores`;
}

function when(condition: boolean, remark: Remark): Remark[] {
  return condition ? [remark] : [];
}
