/** What a run will take, before it starts: from a model's description and headers, in no time and without reading weights. */
import { storedBits } from '../../../shared/bits.ts';
import type { EngineInUse, ForwardPrecision } from '../../../shared/engine.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { describeModelBudget } from '../../../shared/model-budget.ts';
import { type ModelDescription, quantizedWeights } from '../../../shared/model.ts';
import { plannedNominalBits, plannedPackedBytes } from '../../../shared/planned-bytes.ts';
import type { Preflight } from '../../../shared/preflight.ts';
import type { QuantizeChoices } from '../../../shared/requests.ts';
import type { TokenRuns } from '../../../shared/run-work.ts';
import type { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';
import { requireKernelMemory } from '../../engine/claq/kernel-memory.ts';
import type { MethodSettings } from '../../engine/claq/quantize-group.ts';
import { activationMemory, bytesOf } from '../activation-memory.ts';
import { methodSettings } from '../method-settings.ts';
import { plannedDenseBytes, sourceBytes } from '../planned-bytes.ts';
import { lengthFor } from '../text-length.ts';
import { readableCount } from './count-text.ts';
import { diskSpace } from './disk-space.ts';
import { type MemoryQuestion, homeOn, memoryNeeds } from './memory-needs.ts';
import { gpuSpace, leastGpuBytes, memorySpace, stayingBytes } from './memory-space.ts';
import { plannedTexts } from './planned-texts.ts';
import type { MeasuredRates } from './measured-rates.ts';
import { TYPICAL_RATES } from './rates.ts';
import {
  NO_CORRECTIONS,
  type RecordedExport,
  type RecordedRun,
  type RecordedSpeed,
  recordedExportRate,
  recordedSpeed,
} from './recorded-speed.ts';
import { refusal, remarksOn } from './remarks.ts';
import { EXPORT_RATE, timeParts } from './time-parts.ts';

/** What is known of a model without a look at its weights. */
export type PlannedModel = Pick<Checkpoint, 'model' | 'tensors' | 'extras'>;

export interface PreflightQuestion {
  /** As they would be handed to the run, texts included; those of the engine are below. */
  readonly choices: QuantizeChoices;
  /** What will compute. */
  readonly engine: EngineInUse;
  readonly forwardPrecision: ForwardPrecision;
  /** Kernel threads. */
  readonly threads: number;
  /** GB of activations that may be held in memory; undefined for half of what is free. */
  readonly hostMemory: number | undefined;
  /** Bytes of the GPU's memory; null where there is none, or it is not known. */
  readonly gpuMemory: number | null;
  /** Folder that the run's will be made in; it may not be there yet. */
  readonly runsFolder: string;
  /** Runs of this machine, the latest first, whatever the model. */
  readonly runs: readonly RecordedRun[];
  /** Dense exports of this machine, the latest first. */
  readonly exports: readonly RecordedExport[];
  /** With this engine and as many threads (measure-rates.ts); undefined where nothing was measured. */
  readonly measured: Pick<MeasuredRates, 'rates' | 'otherCores'> | undefined;
}

/** preflightRun of a model's folder. Throws ClaqError as openCheckpoint does. */
export async function preflightFolder(folder: string, question: PreflightQuestion): Promise<Preflight> {
  const checkpoint = await openCheckpoint(folder);
  try {
    return await preflightRun(checkpoint, question);
  } finally {
    await checkpoint.close();
  }
}

/** What stands in the way of the run is among the remarks; nothing of it is thrown. */
export async function preflightRun(planned: PlannedModel, question: PreflightQuestion): Promise<Preflight> {
  try {
    return await preflightOf(planned, decided(planned.model, question.choices), question);
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    return impossible(planned, question, error);
  }
}

/** What the choices come to for a model. */
interface Decided {
  readonly method: MethodSettings;
  readonly segments: TokenRuns;
  /** A count of 0 for no evaluation. */
  readonly windows: TokenRuns;
}

/** Throws ClaqError budget/*, request/invalid. */
function decided(model: ModelDescription, choices: QuantizeChoices): Decided {
  const { calibration, evaluation } = choices;
  const evaluated = evaluation.windows === 0 ? 0 : lengthFor(model, evaluation.contextLength, '--context');
  return {
    method: methodSettings(choices, model),
    segments: {
      count: calibration.segments,
      length: lengthFor(model, calibration.segmentLength, '--segment-length'),
    },
    windows: { count: evaluation.windows, length: evaluated },
  };
}

async function preflightOf(
  planned: PlannedModel,
  { method, segments, windows }: Decided,
  question: PreflightQuestion,
): Promise<Preflight> {
  const { model } = planned;
  const { choices, engine, forwardPrecision, threads } = question;
  const weights = quantizedWeights(model);
  const packed = plannedPackedBytes(model, method);
  const bits = storedBits(packed, weights);
  const dense = choices.exportDtype === undefined ? 0 : plannedDenseBytes(planned, choices.exportDtype);
  const texts = await plannedTexts(choices, segments, windows);

  const held: MemoryQuestion = {
    model,
    segments,
    windows,
    budget: method.budget,
    threads,
    engine: engine.name,
    plus: method.plus,
  };
  const deviceActivations = bytesOf(choices.deviceActivations);
  const staying = stayingBytes(held, deviceActivations);
  const needs = memoryNeeds(held);
  const hostMemory = activationMemory(question.hostMemory).bytes;
  const spilled = Math.max(0, needs.activations - hostMemory);
  const memory = memorySpace({ engine: engine.name, needs, hostMemory, textBytes: texts.held });
  const onCard = engine.name === 'tensorflow-gpu';
  const gpuMemory = onCard ? gpuSpace(needs, question.gpuMemory, staying) : null;
  const disk = await diskSpace({
    folder: question.runsFolder,
    packed: { bytes: packed, basis: `${readableCount(weights, 'weights')} x ${bits.toFixed(3)} bits` },
    dense,
    spilled,
  });

  const rates = question.measured?.rates ?? TYPICAL_RATES;
  const recorded = recordedSpeed(question.runs, model, { engine, threads, forwardPrecision }, rates);
  const parts = timeParts(
    {
      model,
      method,
      segments,
      windows,
      engine: engine.name,
      threads,
      deviceActivations,
      fileBytes: plannedDenseBytes(planned, 'source'),
      evaluatesOriginal: windows.count > 0 && choices.evaluation.baseline === undefined,
      exportBytes: dense,
      exportRate: recordedExportRate(question.exports, dense) ?? EXPORT_RATE,
    },
    rates,
    recorded?.corrections ?? NO_CORRECTIONS,
  );
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);

  return {
    engine,
    budget: describeModelBudget(method.budget),
    // 2.05 + 0.07 shall be 2.12.
    nominalBits: Number(plannedNominalBits(model, method.budget).toFixed(4)),
    storedBits: bits,
    sourceBytes: sourceBytes(planned),
    packedBytes: packed,
    time: { seconds, parts, source: sourceOf(recorded, question) },
    memory,
    gpuMemory,
    disk,
    remarks: remarksOn({
      engine: engine.name,
      faults: [...texts.faults, ...kernelFaults(model, engine)],
      segments: segments.count,
      windows: windows.count,
      seconds,
      measured: recorded !== undefined || question.measured !== undefined,
      // Records correct rates that are too low.
      otherCores: recorded === undefined ? (question.measured?.otherCores ?? 0) : 0,
      memory,
      spilled,
      disk,
      gpuMemory,
      staying,
      leastGpuBytes: onCard ? leastGpuBytes(held) : 0,
    }),
  };
}

function sourceOf(recorded: RecordedSpeed | undefined, { measured }: PreflightQuestion): string {
  if (recorded !== undefined) return recorded.source;
  return measured === undefined ? 'a guess, from another machine' : 'a short measurement on this machine';
}

function kernelFaults(model: ModelDescription, { name }: EngineInUse): ClaqError[] {
  try {
    requireKernelMemory(model, homeOn(name));
    return [];
  } catch (error) {
    if (error instanceof ClaqError) return [error];
    throw error;
  }
}

/** Choices that come to no run have no figures: what is known stands there, and why it is no more. */
async function impossible(
  planned: PlannedModel,
  { engine, runsFolder }: PreflightQuestion,
  error: ClaqError,
): Promise<Preflight> {
  const nothing = { needed: 0, free: null, total: null, parts: [] };
  const disk = await diskSpace({
    folder: runsFolder,
    packed: { bytes: 0, basis: '' },
    dense: 0,
    spilled: 0,
  });
  return {
    engine,
    budget: '',
    nominalBits: 0,
    storedBits: 0,
    sourceBytes: sourceBytes(planned),
    packedBytes: 0,
    time: { seconds: 0, parts: [], source: '' },
    memory: nothing,
    gpuMemory: null,
    disk: { ...disk, needed: 0, parts: [] },
    remarks: [refusal(error)],
  };
}
