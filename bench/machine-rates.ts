/** The rates of this machine, measured through the project's own functions. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { type Engine, startEngine } from '../main/engine/start-engine.ts';
import type { Budget } from '../shared/budget.ts';
import type { EngineName } from '../shared/engine.ts';
import type { ModelDescription } from '../shared/model.ts';
import type { LlamaShape } from '../tests/known-models.ts';
import { deviceRates, measureDevice } from './device-rates.ts';
import { hostRates, measureHost } from './host-rates.ts';
import { UPDATED_ROWS, kernelRates, measureKernels } from './kernel-rates.ts';
import { measuredRun } from './measured-run.ts';
import type { Calibration } from './cost-model.ts';
import { RateSamples } from './rate-samples.ts';
import type { Machine } from './rates.ts';
import { writeSyntheticModel } from './synthetic-model.ts';

/** Widths and rows at which rates are measured, up to the first that is not below the model's own. */
const WIDTHS = [512, 1024, 2048, 4096];
const ROWS = [128, 512, UPDATED_ROWS, 8192];

/** Its block is read and its file hashed: 25 MB. */
const READ_MODEL: LlamaShape = {
  hiddenSize: 1024,
  ffnSize: 2048,
  blocks: 1,
  heads: 8,
  kvHeads: 8,
  vocabSize: 64,
  contextLength: 4096,
};

/** A run of it is all start. */
const START_MODEL: Omit<LlamaShape, 'vocabSize'> = {
  hiddenSize: 64,
  ffnSize: 64,
  blocks: 1,
  heads: 1,
  kvHeads: 1,
  contextLength: 4096,
};

export interface RateQuestion {
  readonly engine: EngineName;
  readonly threads: number;
  readonly budget: Budget;
  /** Nominal bits that name the budget on the command line. */
  readonly bits: number;
  readonly calibration: Calibration;
  /** The model to be quantized: its sizes decide how far rates are measured, its tokenizer how long a run takes to start. */
  readonly model: ModelDescription;
  readonly tokenizerFolder: string;
  /** Temporary files go here. */
  readonly folder: string;
}

/**
 * Measures as often as asked, so that one can measure before and after a run; its rates are of the medians. Holds the engine
 * and two pools of kernel threads until it is stopped.
 */
export class MachineRates {
  readonly #question: RateQuestion;
  readonly #engine: Engine;
  readonly #oneThread: KernelPool;
  readonly #checkpoint: Checkpoint;
  readonly #samples = new RateSamples();

  private constructor(question: RateQuestion, engine: Engine, oneThread: KernelPool, checkpoint: Checkpoint) {
    this.#question = question;
    this.#engine = engine;
    this.#oneThread = oneThread;
    this.#checkpoint = checkpoint;
  }

  static async start(question: RateQuestion): Promise<MachineRates> {
    const { engine, threads, folder, tokenizerFolder } = question;
    await mkdir(folder, { recursive: true });
    const readModel = join(folder, 'read-model');
    await writeSyntheticModel(readModel, READ_MODEL, tokenizerFolder);
    const checkpoint = await openCheckpoint(readModel);
    const started = await startEngine({ engine, threads });
    return new MachineRates(question, started, await KernelPool.start({ threads: 1 }), checkpoint);
  }

  get backend(): string {
    return this.#engine.backend.description;
  }

  async measure(): Promise<void> {
    const { budget, calibration, model, folder } = this.#question;
    const samples = this.#samples;
    const { pool } = this.#engine;
    await this.#measureStart();
    await measureDevice(samples, pool, {
      tokens: calibration.tokens,
      widths: upTo(WIDTHS, model.hiddenSize),
      columns: upTo(WIDTHS, model.ffnSize),
    });
    const pools = { all: pool, one: this.#oneThread };
    const matrix = await measureKernels(samples, pools, budget, upTo(ROWS, model.ffnSize));
    await measureHost(samples, pool, this.#checkpoint, matrix, folder, budget);
  }

  machine(): Machine {
    const { budget, threads, engine } = this.#question;
    return {
      device: deviceRates(this.#samples),
      kernels: kernelRates(this.#samples, budget),
      host: hostRates(this.#samples, this.#samples.secondsAt('start', 1)),
      threads,
      ownDevice: engine === 'tensorflow-gpu',
      factorsOnDevice: engine !== 'wasm',
      keepsActivations: engine === 'tensorflow-cpu',
    };
  }

  async stop(): Promise<void> {
    await this.#checkpoint.close();
    await this.#oneThread.stop();
    await this.#engine.stop();
  }

  /** A run that has next to nothing to compute. */
  async #measureStart(): Promise<void> {
    const { folder, tokenizerFolder, model, calibration, bits, engine, threads } = this.#question;
    const startModel = join(folder, 'start-model');
    await writeSyntheticModel(startModel, { ...START_MODEL, vocabSize: model.vocabSize }, tokenizerFolder);
    try {
      const { rest } = await measuredRun({
        model: startModel,
        calibration,
        bits,
        engine,
        threads,
      });
      this.#samples.add('start', 1, 1, rest);
    } finally {
      await rm(startModel, { recursive: true });
    }
  }
}

/** The sizes up to the first that is not below `size`; at least one that is common to all. */
function upTo(sizes: readonly number[], size: number): number[] {
  const last = sizes.findIndex((each) => each >= size);
  return last < 0 ? [...sizes] : sizes.slice(0, last + 1);
}
