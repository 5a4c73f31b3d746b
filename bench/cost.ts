/**
 * npm run bench:cost [-- --bits 2.12 --blocks 4 --engine tensorflow-cpu --threads 2 --only smollm2 --only one-block --only large]
 * The cost model (cost-model.ts): the rates of this machine; what it foretells of two runs, against the runs; and what it
 * foretells of large models on a machine with a graphics card.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { openCheckpoint } from '../main/engine/checkpoint/open-checkpoint.ts';
import { readInstallation } from '../main/engine/tensors/tensorflow/installation.ts';
import { budgetOfBits } from '../shared/budget.ts';
import { ENGINE_NAMES, type EngineName } from '../shared/engine.ts';
import type { Calibration } from './cost-model.ts';
import { printComparison, printLargeModels, printRates } from './cost-tables.ts';
import { MachineRates } from './machine-rates.ts';
import { firstBlocks, measuredRun } from './measured-run.ts';
import type { Machine } from './rates.ts';
import { SMOLLM2_FOLDER, missingSmollm2 } from './reference-data.ts';
import { note, section } from './report.ts';
import { writeSyntheticModel } from './synthetic-model.ts';

const PARTS = ['smollm2', 'one-block', 'large'] as const;

const options = z.object({
  bits: z.coerce.number().min(1).max(8).default(2.12),
  /** Of SmolLM2. */
  blocks: z.coerce.number().int().min(1).max(30).default(4),
  engine: z.enum(ENGINE_NAMES).default('tensorflow-cpu'),
  threads: z.coerce.number().int().min(1).default(availableParallelism()),
  only: z.array(z.enum(PARTS)).default([...PARTS]),
});
const one = { type: 'string' } as const;
const { values } = parseArgs({
  options: { bits: one, blocks: one, engine: one, threads: one, only: { type: 'string', multiple: true } },
});
const { bits, blocks, threads, only, ...asked } = options.parse(values);

const DEMO_MODEL = fileURLToPath(new URL('../resources/demo-model/model', import.meta.url));
const DEMO_VOCABULARY = 4096;

/** A block of LLaMA-7B. */
const ONE_BLOCK = {
  hiddenSize: 4096,
  ffnSize: 11008,
  blocks: 1,
  heads: 32,
  kvHeads: 32,
  vocabSize: DEMO_VOCABULARY,
  contextLength: 2048,
};

interface Case {
  readonly name: string;
  /** Folder of the model, and of its tokenizer. */
  readonly model: string;
  readonly calibration: Calibration;
}

section('Cost model');
const engine = await engineHere(asked.engine);
const folder = await mkdtemp(join(tmpdir(), 'claq-cost-'));
try {
  let machine: Machine | undefined;
  if (only.includes('smollm2')) {
    const missing = missingSmollm2();
    if (missing === undefined) {
      const model = await firstBlocks(SMOLLM2_FOLDER, blocks, join(folder, 'smollm2'));
      const calibration = { segments: 16, tokens: 1024 };
      machine = await compare({ name: `SmolLM2-135M, ${blocks} blocks`, model, calibration });
    } else {
      note(missing);
    }
  }
  if (only.includes('one-block') || only.includes('large')) {
    const model = join(folder, 'one-block');
    await writeSyntheticModel(model, ONE_BLOCK, DEMO_MODEL);
    machine = await compare({
      name: 'One block of the shape of LLaMA-7B',
      model,
      calibration: { segments: 8, tokens: 512 },
    });
  }
  if (only.includes('large') && machine !== undefined) printLargeModels(machine, budgetOfBits(bits));
} finally {
  await rm(folder, { recursive: true });
}

/** TensorFlow where it is installed, else WebAssembly, and a line that says so. */
async function engineHere(wanted: EngineName): Promise<EngineName> {
  if (wanted === 'wasm') return wanted;
  const { state } = await readInstallation(wanted === 'tensorflow-gpu' ? 'gpu' : 'cpu');
  if (state === 'installed') return wanted;
  note(`${wanted} is not installed (npm run setup:tensorflow): everything runs on WebAssembly.`);
  return 'wasm';
}

/** Rates before and after the run, foretold from their medians, since a machine's speed changes within minutes. */
async function compare({ name, model, calibration }: Case): Promise<Machine> {
  const checkpoint = await openCheckpoint(model);
  await checkpoint.close();
  const fileBytes = (await stat(join(model, 'model.safetensors'))).size;
  const budget = budgetOfBits(bits);
  const rates = await MachineRates.start({
    engine,
    threads,
    budget,
    bits,
    calibration,
    model: checkpoint.model,
    tokenizerFolder: model,
    folder: join(folder, 'rates'),
  });
  try {
    const start = performance.now();
    await rates.measure();
    const measuring = (performance.now() - start) / 1000;
    const run = await measuredRun({ model, calibration, bits, engine, threads });
    await rates.measure();
    const machine = rates.machine();
    note(
      `\n${name}, ${rates.backend}, ${threads} threads; rates measured before and after the run, ${measuring.toFixed(0)} s each time.`,
    );
    printRates(machine);
    printComparison(name, { model: checkpoint.model, calibration, budget, fileBytes }, machine, run);
    return machine;
  } finally {
    await rates.stop();
  }
}
