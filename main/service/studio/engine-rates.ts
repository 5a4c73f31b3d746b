import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import manifest from '../../../package.json' with { type: 'json' };
import type { EngineInUse } from '../../../shared/engine.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { writeTextAtomically } from '../../engine/checkpoint/atomic-file.ts';
import { readInstallation } from '../../engine/tensors/tensorflow/installation.ts';
import { type MeasuredRates, type RatesRequest, measuredRatesSchema } from '../preflight/measured-rates.ts';
import { isDisturbed } from '../preflight/other-work.ts';
import type { Turn } from './turn.ts';

/** Measures in the engine's thread. */
export type RatesTask = (request: RatesRequest) => Promise<MeasuredRates>;

const RATES_FILE = 'rates.json';
/** Rates that were measured beside other work are good for so long: each measurement takes seconds. */
const DISTURBED_KEPT_MS = 60_000;
const fileSchema = z.record(z.string(), measuredRatesSchema);

/**
 * What computes with which settings, and how fast: measured once, and again when program or TensorFlow are others, or when other
 * programs had a part in the time.
 */
export class EngineRates {
  readonly #file: string;
  readonly #turn: Turn;
  readonly #measure: RatesTask;
  #known: Promise<Map<string, MeasuredRates>> | undefined;
  /** Measurements under way: several windows may ask. */
  readonly #asked = new Map<string, Promise<MeasuredRates>>();

  constructor(dataFolder: string, turn: Turn, measure: RatesTask) {
    this.#file = join(dataFolder, RATES_FILE);
    this.#turn = turn;
    this.#measure = measure;
  }

  /** Takes seconds the first time. Undefined where it is not known and the engine is at work. Throws what starting it throws. */
  async of(request: RatesRequest): Promise<MeasuredRates | undefined> {
    const key = await keyOf(request);
    this.#known ??= readRates(this.#file);
    const known = await this.#known;
    const found = known.get(key);
    if (found !== undefined && isGood(found)) return found;
    const asked = this.#asked.get(key);
    if (asked !== undefined) return await asked;
    if (!this.#turn.free) return found;
    const measuring = this.#turn.take(() => this.#measure(request));
    this.#asked.set(key, measuring);
    try {
      const measured = calmer(found, await measuring);
      known.set(key, measured);
      await writeTextAtomically(this.#file, JSON.stringify(Object.fromEntries(known)));
      return measured;
    } finally {
      this.#asked.delete(key);
    }
  }
}

function isGood({ measuredAt, otherCores }: MeasuredRates): boolean {
  return !isDisturbed(otherCores) || Date.now() - Date.parse(measuredAt) < DISTURBED_KEPT_MS;
}

/** Of two measurements the one with less work beside it, as of now. */
function calmer(earlier: MeasuredRates | undefined, now: MeasuredRates): MeasuredRates {
  if (earlier === undefined || earlier.otherCores >= now.otherCores) return now;
  return { ...earlier, measuredAt: now.measuredAt };
}

/** What a measurement is good for. */
async function keyOf({ engine, threads, forwardPrecision }: RatesRequest): Promise<string> {
  const installed = await Promise.all([readInstallation('gpu'), readInstallation('cpu')]);
  const states = installed.map((each) => (each.state === 'installed' ? each.folder : each.state));
  return JSON.stringify([manifest.version, engine, threads, forwardPrecision, states]);
}

/** A file that cannot be read is measured anew. */
async function readRates(file: string): Promise<Map<string, MeasuredRates>> {
  try {
    return new Map(Object.entries(fileSchema.parse(JSON.parse(await readFile(file, 'utf8')))));
  } catch (error) {
    if (systemErrorCode(error) !== undefined && systemErrorCode(error) !== 'ENOENT') throw error;
    return new Map();
  }
}

/** Name and description without a measurement: by the doctor's trials, in processes of their own. */
export async function engineByTrial(
  engine: NonNullable<RatesRequest['engine']>,
): Promise<EngineInUse | undefined> {
  const { examineMachine } = await import('../doctor/examine-machine.ts');
  const { taken, engines } = await examineMachine({ engine });
  const found = engines.find(({ name }) => name === taken);
  return found?.runs === true ? { name: found.name, description: found.description } : undefined;
}
