/** `claq quantize`: from a request to a run folder with its record, its matrices and a dense export. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nominalBitsOf, storedBits } from '../../shared/bits.ts';
import { describeModelBudget } from '../../shared/model-budget.ts';
import { quantizedWeights } from '../../shared/model.ts';
import { quantizedRemark } from '../../shared/quantized-remark.ts';
import {
  type QuantizeRequest,
  type QuantizeSettings,
  type RunHooks,
  quantizeRequestSchema,
} from '../../shared/requests.ts';
import type { PerplexityFigure, RunRecord } from '../../shared/run-record.ts';
import type { QuantizeSummary } from '../../shared/summaries.ts';
import { outputErrors } from '../engine/checkpoint/atomic-file.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { hessianHome } from '../engine/claq/accumulate-hessian.ts';
import { requireKernelMemory } from '../engine/claq/kernel-memory.ts';
import type { MethodSettings } from '../engine/claq/quantize-group.ts';
import { evaluatePerplexity } from '../engine/evaluate/perplexity.ts';
import { followsOriginal } from '../../shared/plus.ts';
import { heldOutStrength } from '../engine/held-out-strength.ts';
import { type QuantizationRun, quantizeModel as quantizeBlocks } from '../engine/run.ts';
import { type Engine, startEngine } from '../engine/start-engine.ts';
import { isHostBackend } from '../engine/tensors/tensorflow/tensorflow-backend.ts';
import { loadTokenizer } from '../engine/text/tokenizer.ts';
import type { CalibrationSegments } from '../engine/text/segments.ts';
import type { EvaluationWindows } from '../engine/text/windows.ts';
import type { HostMemory } from '../engine/transformer/host-memory.ts';
import { SPILL_FILE_STEM } from '../engine/transformer/spill-file.ts';
import { activationMemory, bytesOf } from './activation-memory.ts';
import { engineNote } from './engine-note.ts';
import { EXPORT_TARGETS, exportFolderName } from '../../shared/exports.ts';
import { exportCommand, writeExport } from './export.ts';
import { sourceOfRun } from './export-source.ts';
import { PLANS_FILE, columnPlans } from './column-plans.ts';
import { type MatrixPlan, planModel } from '../engine/plan-model.ts';
import { bitsLabel, methodSettings, plansAhead, sizedSettings } from './method-settings.ts';
import { hashModelFiles } from './model-files.ts';
import { openRun } from './open-run.ts';
import { plannedFolderBytes, sourceBytes } from './planned-bytes.ts';
import { RUN_FILE, type RunFolder, openRunFolder } from './run-folder.ts';
import { MATRICES_FOLDER, RunWriter, runChoices } from './run-writer.ts';
import { calibrationSegments, isMeasuredBy, perplexityFigure, windowsOfText } from './texts.ts';
import { requireWritable, traced } from './trace-file.ts';
import { finishedBlocks, goingOnNote, requireSameRun, unfinishedRun } from './unfinished-run.ts';
import { validRequest } from './valid-request.ts';

/**
 * Quantizes a model and writes the run folder. Throws ClaqError: the request's, the model's, the text's and the output's,
 * and run/cancelled; run.json then says how the run ended, and nothing half-written is left.
 */
export async function quantizeModel(
  request: QuantizeRequest,
  hooks: RunHooks = {},
): Promise<QuantizeSummary> {
  const start = performance.now();
  const asked = validRequest(quantizeRequestSchema, request);
  const checkpoint = await openCheckpoint(asked.model);
  try {
    const settings = sizedSettings(asked, checkpoint.model);
    const method = methodSettings(settings, checkpoint.model);
    const folder = await openRunFolder({
      folder: settings.out,
      model: settings.model,
      budget: bitsLabel(method.budget),
      neededBytes: plannedFolderBytes(checkpoint, method, settings.exportDtype),
    });
    try {
      const unfinished = await unfinishedRun(folder, settings.restart);
      // A trace may lie in the run's folder, which is there now.
      if (settings.trace !== undefined) await requireWritable(settings.trace);
      // What may be refused without a look at texts and weights is refused before them: reading those takes minutes.
      const engine = await startEngine({
        engine: settings.engine,
        threads: settings.threads,
        forwardPrecision: settings.forwardPrecision,
      });
      try {
        const { name, description } = engine.backend;
        hooks.onEngine?.({ name, description });
        hooks.onNote?.(engineNote(engine));
        if ((settings.deviceActivations ?? 0) > 0 && isHostBackend()) hooks.onNote?.(NO_DEVICE_NOTE);
        if (checkpoint.quantized !== undefined) hooks.onNote?.(quantizedRemark(checkpoint.quantized));
        requireKernelMemory(checkpoint.model, hessianHome());
        if (unfinished !== undefined) {
          requireSameRun(folder.folder, unfinished, { ...unfinished, ...runChoices({ method, engine }) });
        }
        const texts = await readTexts(settings, checkpoint, hooks);
        const files = await hashModelFiles(checkpoint, hooks);
        const basis = { method, checkpoint, files, engine, ...texts };
        const writer = await RunWriter.start(folder, basis, start, unfinished);
        if (unfinished !== undefined) hooks.onNote?.(goingOnNote(unfinished, checkpoint.model));
        return await writer.endedBy(async () => {
          await clearLeftovers(folder, unfinished);
          const memory = activationMemory(settings.hostMemory, folder.folder);
          const job = { settings, method, checkpoint, engine, memory, hooks, unfinished, ...texts };
          return traced(settings.trace, () => quantizeInto(writer, job), hooks.onNote);
        });
      } finally {
        await engine.stop();
      }
    } finally {
      await folder.release();
    }
  } finally {
    await checkpoint.close();
  }
}

interface Texts {
  readonly calibration: CalibrationSegments;
  /** Undefined where no evaluation was asked for. */
  readonly evaluation: EvaluationWindows | undefined;
}

async function readTexts(
  settings: QuantizeSettings,
  checkpoint: Checkpoint,
  hooks: RunHooks,
): Promise<Texts> {
  const { model } = checkpoint;
  const tokenizer = await loadTokenizer(checkpoint);
  const { source, windows, contextLength } = settings.evaluation;
  const evaluation =
    windows === 0
      ? undefined
      : await windowsOfText(model, tokenizer, { source, limit: windows, contextLength }, hooks);
  return {
    calibration: await calibrationSegments(model, tokenizer, settings.calibration, hooks),
    evaluation,
  };
}

/** Where what was asked for comes to nothing. */
const NO_DEVICE_NOTE =
  "Activations stay in TensorFlow's memory anyway, which is the host's here: --device-activations changes nothing";

const EXPORT_FOLDERS = EXPORT_TARGETS.map(exportFolderName);

/** What a killed process leaves of a file or folder that it was writing. */
const HALF_WRITTEN = new RegExp(
  `^\\.((${[RUN_FILE, PLANS_FILE, SPILL_FILE_STEM, '.+\\.safetensors'].join('|')})\\..+|${EXPORT_FOLDERS.join('|')})\\.partial$`,
);

/** Removes what an unfinished run left in the folder, but for the matrices to go on with, and makes room for matrices. */
async function clearLeftovers({ folder }: RunFolder, unfinished: RunRecord | undefined): Promise<void> {
  const matrices = join(folder, MATRICES_FOLDER);
  for (const name of EXPORT_FOLDERS) await remove(join(folder, name));
  if (unfinished === undefined) for (const made of [matrices, join(folder, PLANS_FILE)]) await remove(made);
  await outputErrors(folder, () => mkdir(matrices, { recursive: true }));
  for (const parent of [folder, matrices]) {
    const halves = (await readdir(parent)).filter((name) => HALF_WRITTEN.test(name));
    for (const name of halves) await remove(join(parent, name));
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

interface Job extends Texts {
  readonly settings: QuantizeSettings;
  readonly method: MethodSettings;
  readonly checkpoint: Checkpoint;
  readonly engine: Engine;
  readonly memory: HostMemory;
  readonly hooks: RunHooks;
  /** The run to go on with. */
  readonly unfinished: RunRecord | undefined;
}

async function quantizeInto(writer: RunWriter, job: Job): Promise<QuantizeSummary> {
  const { settings, method, checkpoint, engine, memory, calibration, evaluation, hooks, unfinished } = job;
  const windows = evaluation?.windows ?? [];
  const before = evaluation === undefined ? undefined : await originalPerplexity(evaluation, writer, job);
  const plan = plansAhead(method)
    ? await columnPlans(writer.folder, checkpoint.model, () => planned(writer, job))
    : undefined;
  const run = {
    checkpoint,
    plan,
    pool: engine.pool,
    segments: calibration.segments,
    settings: method,
    memory,
    deviceActivations: bytesOf(settings.deviceActivations),
  };
  const { plus } = await chosenStrength(writer, run, calibration, hooks);
  const { perplexity, timing } = await quantizeBlocks({
    ...run,
    settings: { ...method, plus },
    windows,
    onMatrix: async (result) => {
      // Saved whether or not anybody listens.
      const saved = await writer.saveMatrix(result);
      hooks.onMatrix?.(saved);
    },
    onBlock: (timing) => writer.finishedBlock(timing),
    finished: unfinished === undefined ? undefined : finishedBlocks(writer.folder, unfinished, hooks.onNote),
    onCalibration: hooks.onCalibration,
    onProgress: hooks.onProgress,
    onNote: hooks.onNote,
    signal: hooks.signal,
  });
  const after =
    perplexity === undefined || evaluation === undefined
      ? undefined
      : perplexityFigure(perplexity, evaluation, engine);
  const weights = quantizedWeights(checkpoint.model);
  const figures = {
    nominalBits: nominalBitsOf(writer.matrices),
    storedBits: storedBits(writer.packedBytes, weights),
    weights,
    sourceBytes: sourceBytes(checkpoint),
    packedBytes: writer.packedBytes,
    loss: writer.loss,
    ...(plus !== undefined && followsOriginal(plus) && plus.strength !== 'auto'
      ? { strength: plus.strength }
      : {}),
    before: before ?? null,
    after: after ?? null,
  };
  const result = await writer.complete(figures, { ...timing });
  const exportFolder =
    settings.exportDtype === undefined ? undefined : await exportInto(writer, settings.exportDtype, job);
  return {
    model: resolve(settings.model),
    method: method.method,
    budget: describeModelBudget(method.budget),
    ...result,
    // With the export.
    ...writer.time,
    loss: result.loss ?? undefined,
    before,
    after,
    runFolder: writer.folder,
    exportFolder,
  };
}

/** What is decided before the first block, and the time that it took. */
async function planned(writer: RunWriter, job: Job): Promise<readonly MatrixPlan[]> {
  const { method, checkpoint, engine, memory, calibration, hooks } = job;
  const start = performance.now();
  const plans = await planModel({
    checkpoint,
    pool: engine.pool,
    segments: calibration.segments,
    settings: method,
    memory,
    ...hooks,
  });
  await writer.planned((performance.now() - start) / 1000);
  return plans;
}

/** The method's part with the strength that was chosen by held-out segments, where it was to be. */
async function chosenStrength(
  writer: RunWriter,
  run: Omit<QuantizationRun, 'windows' | 'onMatrix'>,
  { sources }: Pick<CalibrationSegments, 'sources'>,
  hooks: RunHooks,
): Promise<Pick<MethodSettings, 'plus'>> {
  const { plus } = run.settings;
  if (plus?.strength !== 'auto' || !followsOriginal(plus)) return { plus };
  const known = writer.strength;
  if (known !== undefined) return { plus: { ...plus, strength: known.chosen } };
  const start = performance.now();
  const { strength, trials } = await heldOutStrength({ ...run, ...hooks }, plus, sources);
  await writer.choseStrength({ chosen: strength, trials: [...trials] }, (performance.now() - start) / 1000);
  return { plus: { ...plus, strength } };
}

/** Known from elsewhere or from an earlier session, or measured now. */
async function originalPerplexity(
  evaluation: EvaluationWindows,
  writer: RunWriter,
  { settings, checkpoint, engine, memory, hooks }: Job,
): Promise<PerplexityFigure> {
  for (const known of [settings.evaluation.baseline, writer.before]) {
    if (known === undefined || !isMeasuredBy(known, evaluation, engine)) continue;
    await writer.measuredBefore(known, 0);
    return known;
  }
  const start = performance.now();
  const phase = 'Evaluating the original model';
  const { windows } = evaluation;
  const measured = await evaluatePerplexity({ checkpoint, windows, phase, memory, ...hooks });
  const figure = perplexityFigure(measured, evaluation, engine);
  await writer.measuredBefore(figure, (performance.now() - start) / 1000);
  return figure;
}

/** Exports from the files that were written, as `claq export` would. */
async function exportInto(
  writer: RunWriter,
  dtype: NonNullable<QuantizeSettings['exportDtype']>,
  { checkpoint, hooks }: Job,
): Promise<string> {
  const run = await openRun(writer.folder);
  if (run === undefined) throw new Error(`the run in ${writer.folder} has gone`);
  const target = { format: 'dense', dtype } as const;
  const folder = join(writer.folder, exportFolderName(target));
  const source = sourceOfRun(run, checkpoint);
  const made = await writeExport(source, folder, target, hooks).catch((error: unknown) => {
    hooks.onNote?.(`The run itself is complete; to export it: ${exportCommand(writer.folder, target)}`);
    throw error;
  });
  await writer.exported(target, made);
  return folder;
}
