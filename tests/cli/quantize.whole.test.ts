import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cliEventSchema, type CliEvent } from '../../main/cli/json-events.ts';
import { METHODS } from '../../shared/method.ts';
import { perplexityFigureSchema, type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { writeTinyModel } from '../service/tiny-model.ts';
import { claq, DEMO_MODEL, eventsOf, finish, start } from './claq-process.ts';

/** What a script gets from `claq quantize --json`. */
const summarySchema = z.strictObject({
  model: z.string(),
  method: z.enum(METHODS),
  budget: z.string(),
  nominalBits: z.number(),
  storedBits: z.number(),
  weights: z.int(),
  sourceBytes: z.int(),
  packedBytes: z.int(),
  loss: z.number(),
  before: perplexityFigureSchema,
  after: perplexityFigureSchema,
  seconds: z.number(),
  sessions: z.literal(1),
  timing: z.record(z.string(), z.number()),
  runFolder: z.string(),
  exportFolder: z.string(),
});

const QUICK = ['--segments', '4', '--segment-length', '128', '--windows', '2', '--context', '128'];

let work = '';
let model = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-cli-quantize-'));
  model = await writeTinyModel(join(work, 'model'));
});
afterAll(() => rm(work, { recursive: true }));

describe('claq quantize, evaluate, export', () => {
  const run = (): string => join(work, 'run');

  it('ends with a table on stdout; progress goes to stderr', async () => {
    const { code, stdout, stderr } = await claq(
      'quantize',
      model,
      '--bits',
      '2.12',
      '--out',
      run(),
      ...QUICK,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('2.12 (AP 2.05 of {2,4} + OR 0.07), claq');
    expect(stdout).toMatch(/bits a weight +│ 2\.\d{3} nominal \(as the paper counts\), 2\.\d{3} stored /);
    expect(stdout).toMatch(/perplexity before +│ \d+\.\d\d \(2 windows of 128 tokens, /);
    expect(stdout).toMatch(/perplexity after +│ \d+\.\d\d \(2 windows of 128 tokens, /);
    expect(stdout).toContain(join(run(), 'dense'));
    expect(stderr).toMatch(/^Engine: WebAssembly SIMD, 1 thread, \d+ kernel threads?$/m);
    for (const phase of ['Evaluating the original model', 'Quantizing', 'Checking the written model']) {
      expect(stderr).toMatch(new RegExp(`^${phase}: .+ in \\d+ s$`, 'm'));
    }
  });

  it('evaluates and exports the run', async () => {
    const evaluated = await claq('evaluate', run(), '--windows', '2', '--context', '128', '--json');
    const result = z
      .looseObject({ perplexity: z.number(), engine: z.literal('WebAssembly SIMD, 1 thread') })
      .parse(resultOf(evaluated.stdout));
    const record = await recordOf(run());
    expect(result.perplexity).toBe(record.result?.after?.perplexity);
    const exported = await claq('export', run(), '--out', join(work, 'half'), '--dtype', 'f16');
    expect([exported.code, exported.stdout.slice(0, 12)]).toEqual([0, 'Exported to ']);
    expect((await readdir(join(work, 'half'))).toSorted()).toEqual([
      'README.md',
      'SHA256SUMS',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('exports the run as the README says', async () => {
    const line = /^npm run claq -- (export .+packed)$/m.exec(await readFile('README.md', 'utf8'))?.[1] ?? '';
    const args = line.split(/ +/).map((arg) => (arg === 'runs/FOLDER-2.12-1' ? run() : arg));
    expect(args).toEqual(['export', run(), '--to', 'packed']);
    const { code, stdout } = await claq(...args);
    expect([code, stdout.split('\n')[0]]).toEqual([0, `Exported to ${join(run(), 'packed')}`]);
    expect((await readdir(run())).toSorted()).toEqual(['dense', 'matrices', 'packed', 'run.json']);
  });

  it('shows no loss for a method that compensates nothing', async () => {
    const args = ['--method', 'rtn', '--windows', '0', '--segments', '1', '--segment-length', '64'];
    const { code, stdout } = await claq(
      'quantize',
      model,
      ...args,
      '--no-export',
      '--out',
      join(work, 'rtn'),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/quantized weights/);
    expect(stdout).not.toContain('loss');
  });

  it('speaks JSON lines when asked to: progress, and the summary at the end', async () => {
    const out = join(work, 'json');
    const { code, stdout, stderr } = await claq('quantize', model, '--out', out, '--json', ...QUICK);
    expect([code, stderr]).toEqual([0, '']);
    const events = eventsOf(stdout);
    const others = events.slice(0, -1).filter(({ event }) => event !== 'progress');
    expect(others).toEqual([
      { event: 'note', note: expect.stringMatching(/^Engine: WebAssembly.+ kernel threads?$/) as unknown },
    ]);
    const summary = summarySchema.parse(resultOf(stdout));
    expect(summary).toMatchObject({ model, runFolder: out, exportFolder: join(out, 'dense'), budget: '4' });
    for (const phase of new Set(
      events.flatMap((event) => (event.event === 'progress' ? [event.phase] : [])),
    )) {
      const steps = events.filter((event) => event.event === 'progress' && event.phase === phase);
      const done = steps.flatMap((event) => (event.event === 'progress' ? [event.done] : []));
      expect(done).toEqual(done.toSorted((a, b) => a - b));
      expect(steps.at(-1)).toMatchObject({
        done: steps.at(-1)?.event === 'progress' ? lastTotal(steps) : -1,
      });
    }
  });

  it('tells a script what is wrong, and leaves nothing', async () => {
    const out = join(work, 'refused');
    const { code, stdout } = await claq('quantize', join(work, 'nowhere'), '--out', out, '--json');
    expect(code).toBe(1);
    expect(eventsOf(stdout)).toEqual([
      expect.objectContaining({ event: 'error', code: 'model/not-a-model-folder' }),
    ]);
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('takes the budget from a file, and from nowhere else then', async () => {
    const file = join(work, 'budget.yaml');
    await writeFile(
      file,
      'claq-budget: 1\nbits: 2.12\ncolumn-order: outlier\noutlier-s: 7\noverrides:\n  - matrices: [v]\n    bits: 4\n',
    );
    const out = join(work, 'from-file');
    const { code, stdout } = await claq(
      'quantize',
      model,
      '--budget',
      file,
      '--out',
      out,
      '--no-export',
      ...QUICK,
    );
    expect(code).toBe(0);
    expect(stdout).toContain('2.12 (AP 2.05 of {2,4} + OR 0.07), 1 override, claq');
    const { settings, matrices } = await recordOf(out);
    expect([settings.outlierS, settings.columnOrder]).toEqual([7, 'outlier']);
    expect(matrices.find(({ kind }) => kind === 'v')?.classes).toEqual([
      { width: 4, reserved: 0, columns: 192 },
    ]);

    const twice = await claq('quantize', model, '--budget', file, '--bits', '3', '-s', '13', '--json');
    expect(twice.code).toBe(1);
    expect(eventsOf(twice.stdout)).toEqual([
      expect.objectContaining({ event: 'error', code: 'budget/contradiction', found: '--bits --outlier-s' }),
    ]);
    const nowhere = await claq('quantize', model, '--budget', join(work, 'nowhere.yaml'));
    expect([nowhere.code, nowhere.stderr.split('\n')[0]]).toEqual([1, 'error: The budget cannot be read']);
    await writeFile(file, 'claq-budget: 1\noverrides:\n  - layers: 1\n    bits: 3\n');
    const beyond = await claq('quantize', model, '--budget', file);
    expect(beyond.stderr).toContain('  where: override 1\n');
  });

  it('goes beyond the paper with the techniques that are named, and says how far', async () => {
    const file = join(work, 'ordered.yaml');
    await writeFile(file, 'claq-budget: 1\nbits: 2.5\ncolumn-order: benefit\n');
    const out = join(work, 'plus');
    const plus = ['--method', 'claq-plus', '--plus', 'sweeps,allocation,residual', '--sweeps', '1'];
    const asked = [...plus, '--strength', '0.4', '--budget', file, '--no-export'];
    const { code, stdout } = await claq('quantize', model, ...asked, '--out', out, ...QUICK);
    expect(code).toBe(0);
    expect(stdout).toMatch(/strength of corrections +│ 0\.4 /);
    const { settings, result } = await recordOf(out);
    expect(settings.plus).toEqual({
      techniques: ['allocation', 'residual', 'sweeps'],
      strength: 0.4,
      sweeps: 1,
    });
    expect([settings.columnOrder, result?.strength]).toEqual([null, 0.4]);

    const unknown = await claq('quantize', model, '--method', 'claq-plus', '--plus', 'sweeps,magic');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('--plus');
    const small = await claq('quantize', model, '--method', 'claq-plus', '--bits', '1');
    expect([small.code, small.stderr.split('\n')[0]]).toEqual([
      1,
      'error: The budget is too small to allocate',
    ]);
  });

  it('names the options of a budget that cannot be met', async () => {
    const { code, stderr } = await claq('quantize', model, '--bits', '2.05', '--ap-widths', '3,4');
    expect(code).toBe(1);
    expect(stderr).toContain('  where: --bits 2.05 --ap-widths 3,4\n');
  });
});

describe('Ctrl-C', () => {
  it('ends a run cleanly; until then its folder is refused to others', async () => {
    const out = join(work, 'cancelled');
    const child = start('main/cli/claq.ts', [
      'quantize',
      DEMO_MODEL,
      '--out',
      out,
      '--windows',
      '0',
      '--json',
    ]);
    const finished = finish(child);
    await progressOf(child, 'Quantizing');

    const second = await claq('quantize', DEMO_MODEL, '--out', out);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain('error: The output folder is in use by another run\n');
    expect(second.stderr).toContain(`found: held by process ${String(child.pid)} on `);

    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toBe('Stopping at the next safe point. Press Ctrl-C again to quit at once.\nCancelled.\n');
    expect(eventsOf(stdout).at(-1)).toEqual({ event: 'error', code: 'run/cancelled', message: 'Cancelled' });

    expect((await readdir(out)).toSorted()).toEqual(['matrices', 'run.json']);
    const record = await recordOf(out);
    expect([record.status, record.result, record.exports]).toEqual(['cancelled', null, []]);
    expect((await readdir(join(out, 'matrices'))).toSorted()).toEqual(
      record.matrices.map(({ name }) => `${name}.safetensors`).toSorted(),
    );
  });
});

describe('a run that is killed', () => {
  /** Enough for a block to take a while: a script hears of progress ten times a second. */
  const SLOWER = ['--segments', '32', '--segment-length', '256', '--windows', '2', '--context', '128'];

  it('goes on where it stood when it is started again, to the same end', async () => {
    const threeBlocks = await writeTinyModel(join(work, 'three-blocks'), { blocks: 3 });
    const quantize = (out: string): string[] => [
      'quantize',
      threeBlocks,
      '--out',
      out,
      '--no-export',
      ...SLOWER,
    ];
    const [once, killed] = [join(work, 'once'), join(work, 'killed')];
    expect((await claq(...quantize(once))).code).toBe(0);

    const child = start('main/cli/claq.ts', [...quantize(killed), '--json']);
    const finished = finish(child);
    await progressOf(child, 'Quantizing', /^block 3 of 3/);
    child.kill('SIGKILL');
    await finished;
    expect((await recordOf(killed)).status).toBe('running');

    const changed = await claq(...quantize(killed), '--percdamp', '0.02');
    expect([changed.code, changed.stdout]).toEqual([1, '']);
    expect(changed.stderr).toContain('  expected: settings.percdamp 0.01\n  found: settings.percdamp 0.02\n');

    const { code, stdout, stderr } = await claq(...quantize(killed));
    expect(code).toBe(0);
    expect(stderr).toContain('Going on with block 3 of 3\n');
    expect(stdout).toMatch(/ in 2 sessions /);
    const files = await readdir(join(once, 'matrices'));
    expect((await readdir(join(killed, 'matrices'))).toSorted()).toEqual(files.toSorted());
    for (const file of files) {
      const bytes = await readFile(join(killed, 'matrices', file));
      expect(bytes.equals(await readFile(join(once, 'matrices', file)))).toBe(true);
    }
    const [expected, found] = [await recordOf(once), await recordOf(killed)];
    expect(found.matrices).toEqual(expected.matrices);
    expect(found.result?.after).toEqual(expected.result?.after);
    expect(await readdir(killed)).not.toContain('run.lock');
  });

  it('begins anew with --restart', async () => {
    const out = join(work, 'restarted');
    const child = start('main/cli/claq.ts', ['quantize', DEMO_MODEL, '--out', out, '--json', ...SLOWER]);
    const finished = finish(child);
    await progressOf(child, 'Quantizing', /^block 2 of /);
    child.kill('SIGKILL');
    await finished;
    const { code, stderr } = await claq('quantize', model, '--out', out, '--restart', ...QUICK);
    expect(code).toBe(0);
    expect(stderr).not.toContain('Going on');
    expect(await readdir(join(out, 'matrices'))).toHaveLength(7);
  });
});

async function recordOf(run: string): Promise<RunRecord> {
  return runRecordSchema.parse(JSON.parse(await readFile(join(run, 'run.json'), 'utf8')));
}

function resultOf(stdout: string): unknown {
  const last = eventsOf(stdout).at(-1);
  return last?.event === 'result' ? last.result : undefined;
}

function lastTotal(events: readonly CliEvent[]): number {
  const last = events.at(-1);
  return last?.event === 'progress' ? last.total : -1;
}

/** Waits for the phase's first event with such a detail on the command's stdout. */
async function progressOf(child: ChildProcessWithoutNullStreams, phase: string, detail = /^/): Promise<void> {
  for await (const line of createInterface(child.stdout)) {
    const event = cliEventSchema.parse(JSON.parse(line));
    if (event.event === 'progress' && event.phase === phase && detail.test(event.detail ?? '')) return;
  }
  throw new Error(`the command ended before ${phase}`);
}
