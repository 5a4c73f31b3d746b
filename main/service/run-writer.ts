/**
 * Writes a run as it comes about: run.json first, each matrix when it is quantized, run.json again after each block and when
 * it ends. Losses, damping and times are in the record alone, so a run that is killed can go on behind its last block.
 */
import { join } from 'node:path';
import { classesOf } from '../../shared/bits.ts';
import { ClaqError } from '../../shared/errors.ts';
import type { ExportResult, ExportTarget } from '../../shared/exports.ts';
import { hasUniformGrid } from '../../shared/method.ts';
import { describeModelBudget } from '../../shared/model-budget.ts';
import {
  type MatrixRecord,
  type MatrixResult,
  type PerplexityFigure,
  RUN_RECORD_VERSION,
  type RunFigures,
  type RunRecord,
  type RunTime,
  recordOfBudget,
} from '../../shared/run-record.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { reservedCounts } from '../engine/claq/quantized-matrix.ts';
import type { GroupResult, MethodSettings } from '../engine/claq/quantize-group.ts';
import { writeMatrix } from '../engine/result/matrix-file.ts';
import type { Engine } from '../engine/start-engine.ts';
import type { CalibrationSegments } from '../engine/text/segments.ts';
import { hashFile } from '../engine/checkpoint/file-hash.ts';
import { withExport } from './export.ts';
import { allocates, tieRule } from './method-settings.ts';
import { programName } from './program-name.ts';
import type { RunFolder } from './run-folder.ts';
import { requireSameRun } from './unfinished-run.ts';

/** Folder of the matrices' files inside of a run's. */
export const MATRICES_FOLDER = 'matrices';

interface RunBasis {
  readonly method: MethodSettings;
  readonly checkpoint: Checkpoint;
  /** SHA-256 of the model's files. */
  readonly files: Readonly<Record<string, string>>;
  readonly calibration: CalibrationSegments;
  readonly engine: Engine;
}

/** What a run came to, but for the time that it took. */
type UntimedFigures = Omit<RunFigures, keyof RunTime>;

export class RunWriter {
  readonly #run: RunFolder;
  /** performance.now() when this session began. */
  readonly #start: number;
  readonly #earlier: RunTime;
  #timing: RunTime['timing'] = { original: 0 };
  #record: RunRecord;

  private constructor(run: RunFolder, record: RunRecord, start: number) {
    this.#run = run;
    this.#start = start;
    this.#earlier = record.soFar ?? { sessions: 0, seconds: 0, timing: {} };
    this.#record = record;
  }

  /**
   * Writes the first record of the session.
   * @param start performance.now() when the session began
   * @param unfinished the folder's run to go on with; undefined to begin one
   * @throws ClaqError output/other-run where the unfinished run was made otherwise
   */
  static async start(
    run: RunFolder,
    basis: RunBasis,
    start: number,
    unfinished: RunRecord | undefined,
  ): Promise<RunWriter> {
    const first = firstRecord(basis);
    if (unfinished !== undefined) requireSameRun(run.folder, unfinished, first);
    const { startedAt, matrices, soFar, strength } = unfinished ?? first;
    const record = { ...first, startedAt, matrices, soFar, ...(strength === undefined ? {} : { strength }) };
    const writer = new RunWriter(run, record, start);
    await writer.#write();
    return writer;
  }

  get folder(): string {
    return this.#run.folder;
  }

  get matrices(): readonly MatrixRecord[] {
    return this.#record.matrices;
  }

  /** Bytes of the matrices saved so far. */
  get packedBytes(): number {
    return this.#record.matrices.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Null where the method has none. */
  get loss(): number | null {
    return this.#compensates ? this.#record.matrices.reduce((sum, { loss }) => sum + (loss ?? 0), 0) : null;
  }

  /** The loss weighs an error by what compensation leaves of it. Without compensation the same sum means nothing. */
  get #compensates(): boolean {
    return this.#record.settings.method !== 'rtn';
  }

  /** The original model's perplexity, where this session or an earlier one has measured it. */
  get before(): PerplexityFigure | undefined {
    return this.#record.soFar?.before ?? undefined;
  }

  /** What all sessions took up to now. */
  get time(): RunTime {
    const { sessions, seconds, timing } = this.#earlier;
    const now: Record<string, number> = { ...timing };
    for (const [part, took] of Object.entries(this.#timing)) now[part] = (now[part] ?? 0) + took;
    return {
      sessions: sessions + 1,
      seconds: seconds + (performance.now() - this.#start) / 1000,
      timing: now,
    };
  }

  /** @param seconds that it took this session; 0 where it was known */
  async measuredBefore(figure: PerplexityFigure, seconds: number): Promise<void> {
    this.#took({ original: seconds });
    await this.#write({ soFar: { ...this.time, before: figure } });
  }

  /** Of the corrections, where an earlier session has chosen it. */
  get strength(): RunRecord['strength'] {
    return this.#record.strength;
  }

  /** @param seconds that the choice took */
  async choseStrength(strength: NonNullable<RunRecord['strength']>, seconds: number): Promise<void> {
    this.#took({ strength: seconds });
    await this.#write({ strength });
  }

  /** @param seconds that it took to decide what the columns get */
  async planned(seconds: number): Promise<void> {
    this.#took({ plan: seconds });
    await this.#write();
  }

  /** @param timing of this session, up to now */
  async finishedBlock(timing: RunTime['timing']): Promise<void> {
    this.#took(timing);
    await this.#write();
  }

  /** Writes a matrix. It stands in the record in the order of computation, in the place of an older one of its name. */
  async saveMatrix({
    block,
    kind,
    name,
    matrix,
    damping,
    outlierRatio,
  }: GroupResult & { readonly block: number }): Promise<MatrixResult> {
    const file = `${MATRICES_FOLDER}/${name}.safetensors`;
    const loss = this.#compensates ? matrix.loss : null;
    const path = join(this.folder, file);
    const bytes = await writeMatrix(path, name, { ...matrix, loss: loss ?? Number.NaN });
    const { rows, columns, widths } = matrix;
    const classes = classesOf(widths, reservedCounts(matrix));
    const result = { block, kind, rows, columns, bytes, loss, outlierRatio, damping, classes };
    const record: MatrixRecord = { ...result, name, file, sha256: await hashFile(path) };
    const matrices = [...this.#record.matrices];
    const older = matrices.findIndex((each) => each.name === name);
    matrices.splice(older < 0 ? matrices.length : older, 1, record);
    this.#record = { ...this.#record, matrices };
    return result;
  }

  /** @param timing of this session */
  async complete(figures: UntimedFigures, timing: RunTime['timing']): Promise<RunFigures> {
    this.#took(timing);
    const result = { ...figures, ...this.time };
    await this.#write({ status: 'complete', result });
    return result;
  }

  /** Of a complete run, which the export is a part of then. */
  async exported(target: ExportTarget, made: ExportResult): Promise<void> {
    this.#took({ export: made.seconds });
    const { result, exports } = this.#record;
    await this.#write({
      exports: withExport(exports, target, made),
      result: result && { ...result, ...this.time },
    });
  }

  /** Runs `work`; if that fails, the record says how far it came. */
  async endedBy<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#record.status === 'running') {
        const cancelled = error instanceof ClaqError && error.code === 'run/cancelled';
        // The first error is the one to tell, also where a full disk refuses the record as well.
        await this.#write({ status: cancelled ? 'cancelled' : 'failed' }).catch(() => undefined);
      }
      throw error;
    }
  }

  #took(timing: RunTime['timing']): void {
    this.#timing = { ...this.#timing, ...timing };
  }

  async #write(changes: Partial<RunRecord> = {}): Promise<void> {
    const record = { ...this.#record, ...changes };
    const soFar = record.result === null ? { ...this.time, before: record.soFar?.before ?? null } : null;
    const written = { ...record, soFar };
    await this.#run.writeRun(written);
    // Only now: a run that could not be written as complete has not ended, and endedBy() has yet to say how it does.
    this.#record = written;
  }
}

/** What is known of a run before a text or the model's files are read. */
export function runChoices({
  method,
  engine,
}: Pick<RunBasis, 'method' | 'engine'>): Pick<RunRecord, 'program' | 'settings' | 'engine'> {
  const { budget, groupSize, columnOrder, codebookFit, plus, ...choices } = method;
  const onGrid = hasUniformGrid(method.method);
  return {
    program: programName(),
    settings: {
      ...choices,
      columnOrder: onGrid || allocates(method) ? null : columnOrder,
      codebookFit: onGrid ? null : codebookFit,
      budget: describeModelBudget(budget),
      ...recordOfBudget(budget),
      tieRule: tieRule(method),
      groupSize: groupSize ?? null,
      ...(plus === undefined ? {} : { plus }),
    },
    engine: {
      backend: engine.backend.description,
      forwardPrecision: engine.forwardPrecision,
      kernels: engine.pool.flavour,
      threads: engine.pool.threads,
      node: process.version,
    },
  };
}

function firstRecord(basis: RunBasis): RunRecord {
  const { program, settings, engine } = runChoices(basis);
  const { checkpoint, files, calibration } = basis;
  return {
    version: RUN_RECORD_VERSION,
    program,
    status: 'running',
    startedAt: new Date().toISOString(),
    model: { folder: checkpoint.path, files },
    settings,
    calibration: calibration.record,
    engine,
    matrices: [],
    soFar: null,
    result: null,
    exports: [],
  };
}
