/** Writes a run as it comes about: run.json first, each matrix when it is quantized, run.json again when it ends. */
import { join, resolve } from 'node:path';
import { describeBudget } from '../../shared/budget.ts';
import { classesOf } from '../../shared/bits.ts';
import { ClaqError } from '../../shared/errors.ts';
import { type MatrixRecord, RUN_RECORD_VERSION, type RunRecord } from '../../shared/run-record.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { reservedCounts } from '../engine/claq/quantized-matrix.ts';
import type { GroupResult, MethodSettings } from '../engine/claq/quantize-group.ts';
import { writeMatrix } from '../engine/result/matrix-file.ts';
import type { Engine } from '../engine/start-engine.ts';
import type { CalibrationSegments } from '../engine/text/segments.ts';
import { tieRule } from './method-settings.ts';
import type { RunFolder } from './run-folder.ts';

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

export class RunWriter {
  readonly #run: RunFolder;
  #record: RunRecord;

  private constructor(run: RunFolder, record: RunRecord) {
    this.#run = run;
    this.#record = record;
  }

  static async start(run: RunFolder, basis: RunBasis): Promise<RunWriter> {
    const writer = new RunWriter(run, firstRecord(basis));
    await writer.#write({});
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

  async saveMatrix({
    block,
    kind,
    name,
    matrix,
    damping,
    outlierRatio,
  }: GroupResult & { readonly block: number }): Promise<void> {
    const file = `${MATRICES_FOLDER}/${name}.safetensors`;
    const loss = this.#compensates ? matrix.loss : null;
    const bytes = await writeMatrix(join(this.folder, file), name, { ...matrix, loss: loss ?? Number.NaN });
    const { rows, columns, widths } = matrix;
    const classes = classesOf(widths, reservedCounts(matrix));
    const record: MatrixRecord = {
      name,
      block,
      kind,
      rows,
      columns,
      file,
      bytes,
      loss,
      outlierRatio,
      damping,
      classes,
    };
    this.#record = { ...this.#record, matrices: [...this.#record.matrices, record] };
  }

  complete(result: NonNullable<RunRecord['result']>): Promise<void> {
    return this.#write({ status: 'complete', result });
  }

  exported(dense: string): Promise<void> {
    return this.#write({ dense });
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

  async #write(changes: Partial<RunRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    await this.#run.writeRun(this.#record);
  }
}

function firstRecord({ method, checkpoint, files, calibration, engine }: RunBasis): RunRecord {
  const { budget, groupSize, columnOrder, codebookFit, ...choices } = method;
  const onGrid = method.method === 'gptq' || method.method === 'rtn';
  return {
    version: RUN_RECORD_VERSION,
    program: `${manifest.name} ${manifest.version}`,
    status: 'running',
    startedAt: new Date().toISOString(),
    model: { folder: resolve(checkpoint.folder), files },
    settings: {
      ...choices,
      columnOrder: onGrid ? null : columnOrder,
      codebookFit: onGrid ? null : codebookFit,
      budget: describeBudget(budget),
      precision: budget.precision,
      reservation: budget.reservation ?? null,
      tieRule: tieRule(method),
      groupSize: groupSize ?? null,
    },
    calibration: calibration.record,
    engine: {
      backend: engine.backend.description,
      kernels: engine.pool.flavour,
      threads: engine.pool.threads,
      node: process.version,
    },
    matrices: [],
    result: null,
    dense: null,
  };
}
