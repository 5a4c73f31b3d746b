import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { encodeHeader } from '../../main/engine/checkpoint/safetensors-writer.ts';
import { SAME_PRESS_SECONDS } from '../../main/cli/stop-signals.ts';
import { MATRIX_KINDS, matrixName, TENSOR_NAMES } from '../../shared/model.ts';
import { modelSensitivitySchema } from '../../shared/sensitivity.ts';
import { writeTinyModel } from '../service/tiny-model.ts';
import { claq, DEMO_MODEL, eventsOf, finish, start } from './claq-process.ts';

const resultSchema = z.object({ result: z.object({ sensitivity: modelSensitivitySchema.loose() }) });
const manifestSchema = z.object({ version: z.string() });

let work = '';
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'claq-cli-'));
});
afterAll(() => rm(work, { recursive: true }));

describe('claq', () => {
  it('prints its version', async () => {
    const { version } = manifestSchema.parse(JSON.parse(await readFile('package.json', 'utf8')));
    expect(await claq('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('prints help with units, defaults and examples', async () => {
    const help = await claq('help', 'quantize');
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('claq quantize models/llama-7b --bits 2.12');
    expect(help.stdout).toMatch(/--segments <N> +calibration segments \(default: 128\)/);
  });

  it.each<[string, string[], string]>([
    ['no command', [], 'Usage: claq'],
    ['an unknown command', ['quantise'], "error: unknown command 'quantise'\n(Did you mean quantize?)"],
    ['an unknown option', ['inspect', 'm', '--fast'], "error: unknown option '--fast'"],
    ['a missing folder name', ['inspect'], "error: missing required argument 'model'"],
    [
      'a word for a number',
      ['inspect', 'm', '-s', 'high'],
      "option '-s, --outlier-s <S>' argument 'high' is invalid. It is not a number.",
    ],
    [
      'a number out of range',
      ['inspect', 'm', '-s', '0'],
      'error: --outlier-s: Too small: expected number to be >0, found 0\n',
    ],
    [
      'a text that nothing is measured on',
      ['inspect', 'm', '--text', 't'],
      '--text: goes with --sensitivity',
    ],
    [
      'an engine where nothing is computed',
      ['inspect', 'm', '--engine', 'wasm'],
      '--engine: goes with --sensitivity',
    ],
    [
      'sweeps of a technique that is left out',
      ['quantize', 'm', '--method', 'claq-plus', '--plus', 'allocation', '--sweeps', '3'],
      '--sweeps: goes with the technique sweeps, which --plus leaves out',
    ],
    [
      'a strength of corrections that are left out',
      ['quantize', 'm', '--method', 'claq-plus', '--plus', 'sweeps', '--strength', '0.5'],
      '--strength: goes with asymmetric or residual, which --plus leaves out',
    ],
    ['an unknown matrix', ['inspect', 'm', '--matrix', 'w'], 'error: --matrix: Invalid option'],
    [
      'two budgets',
      ['quantize', 'm', '--bits', '2', '--ap', '2.1'],
      'error: --ap: is set by bits already: give one of the two',
    ],
    [
      'one width for two',
      ['quantize', 'm', '--ap-widths', '2'],
      'It is not two numbers with a comma between them.',
    ],
    [
      'a reserved tail of more than a quarter',
      ['quantize', 'm', '--or-shares', '30,1'],
      'error: --or-shares: Too big: expected number to be <=25, found 30\n',
    ],
    [
      'groups without scales',
      ['quantize', 'm', '--group-size', '64'],
      'error: --group-size: does not go with claq',
    ],
    ['half a window', ['evaluate', 'm', '--windows', '1.5'], 'It is not a whole number.'],
    [
      'an unknown dtype',
      ['export', 'r', '--dtype', 'f8'],
      "argument 'f8' is invalid. Allowed choices are source, f16, f32, q8_0.",
    ],
    [
      'a dtype that the format does not have',
      ['export', 'r', '--to', 'gguf', '--dtype', 'f32'],
      '--dtype: Invalid option: expected one of "f16"|"q8_0", found f32',
    ],
  ])('calls %s a usage error', async (_, args, message) => {
    const { code, stdout, stderr } = await claq(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});

describe('claq inspect', () => {
  it('prints the three pictures on stdout and progress on stderr', async () => {
    const { code, stdout, stderr } = await claq(
      'inspect',
      DEMO_MODEL,
      '-s',
      '5',
      '--layer',
      '0',
      '--matrix',
      'q',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('1. Sorted outlier ratio of the columns: layer 0, q');
    expect(stdout).toContain('2. Where the top 10 % of columns in Outlier Order are: layer 0, q');
    expect(stdout).toMatch(/\n +layer +q +k +v +o +gate +up +down +overall *\n +0 +0\.217 %/);
    expect(stderr).toMatch(
      /^Looking for outliers: 0 of 42 matrices\nLooking for outliers: 42 of 42 matrices in \d+ s\n$/,
    );
  });

  it('says so where a matrix has no outliers, and which S has some', async () => {
    const { stdout } = await claq('inspect', DEMO_MODEL, '--layer', '0', '--matrix', 'q');
    expect(stdout).toMatch(
      /It has no outliers at S = 13: its largest \|w\| is \d+\.\d x the mean\. Try --outlier-s \d\./,
    );
  });

  it('speaks JSON lines only when asked to', async () => {
    const { code, stdout, stderr } = await claq('inspect', DEMO_MODEL, '--json');
    const events = eventsOf(stdout);
    expect([code, stderr]).toEqual([0, '']);
    expect(events[0]).toEqual({
      event: 'progress',
      phase: 'Looking for outliers',
      done: 0,
      total: 42,
      unit: 'matrices',
      detail: 'model.layers.0.self_attn.q_proj',
    });
    expect(events.slice(0, -1).every(({ event }) => event === 'progress')).toBe(true);
    expect(events.at(-1)).toMatchObject({
      event: 'result',
      command: 'inspect',
      result: { outlierS: 13, sValues: [3, 5, 7, 9, 13], shown: { name: 'model.layers.3.self_attn.k_proj' } },
    });
  });

  it('takes gradients where it is asked for the sensitivity, and prints the map of all matrices', async () => {
    const model = await writeTinyModel(join(work, 'tiny'), { blocks: 2 });
    const asked = ['inspect', model, '--sensitivity', '--engine', 'wasm'];
    const { code, stdout, stderr } = await claq(...asked);
    expect(code).toBe(0);
    expect(stderr).toContain('Measuring sensitivity: ');
    const found = await claq(...asked, '--json');
    const { sensitivity } = resultSchema.parse(eventsOf(found.stdout).at(-1)).result;
    expect(sensitivity).toMatchObject({ tokens: 2044, segments: 4, segmentLength: 512 });
    const [, table = ''] = stdout.split('4. Sensitivity of every layer and matrix');
    const rows = table.split('\n').slice(3, 5);
    expect(rows.map((row) => row.trim().split(/ +/))).toEqual(
      [0, 1].map((layer) => [
        String(layer),
        ...sensitivity.matrices
          .filter(({ block }) => block === layer)
          .map(({ mean }) => mean.toExponential(2)),
      ]),
    );
  });

  it('tells on stderr what is wrong with a model, and fails', async () => {
    const missing = join(work, 'nowhere');
    const { code, stdout, stderr } = await claq('inspect', missing);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error: .+\n(?: {2}(?:where|expected|found|what to do): .+\n)+$/);
    expect(stderr).toContain(missing);
    const json = await claq('inspect', missing, '--json');
    expect(json.code).toBe(1);
    expect(json.stderr).toBe(stderr);
    expect(eventsOf(json.stdout)).toEqual([expect.objectContaining({ event: 'error', where: missing })]);
  });

  it('leaves no page behind where it may not be written', async () => {
    const { code, stderr } = await claq(
      'inspect',
      DEMO_MODEL,
      '--html',
      join(work, 'no-folder', 'page.html'),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(`where: ${join(work, 'no-folder', 'page.html')}`);
  });

  it('ends with 130 after Ctrl-C, between two matrices', async () => {
    const child = start('main/cli/claq.ts', ['inspect', await slowModel(), '--json']);
    const finished = finish(child);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toBe('Stopping at the next safe point. Press Ctrl-C again to quit at once.\nCancelled.\n');
    expect(eventsOf(stdout).at(-1)).toEqual({ event: 'error', code: 'run/cancelled', message: 'Cancelled' });
  });
});

describe('around a command', () => {
  const script = 'tests/cli/run-command-process.ts';

  it.each(['stubborn', 'blocked'])('quits at once on the second Ctrl-C (%s)', async (behaviour) => {
    const child = start(script, [behaviour]);
    const finished = finish(child);
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    await once(child.stderr, 'data');
    await setTimeout(SAME_PRESS_SECONDS * 1000);
    child.kill('SIGINT');
    expect(await finished).toEqual({
      code: 130,
      stdout: '',
      stderr: `Being ${behaviour}: 0 of 1 tensors\nStopping at the next safe point. Press Ctrl-C again to quit at once.\n`,
    });
  });

  it('takes a Ctrl-C that npm passes on a second time for the same one', async () => {
    const child = start(script, ['obedient']);
    const finished = finish(child);
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    expect(await finished).toEqual({
      code: 130,
      stdout: '',
      stderr:
        'Being obedient: 0 of 1 tensors\nStopping at the next safe point. Press Ctrl-C again to quit at once.\nCancelled.\n',
    });
  });

  it('owns up to its own faults, with the stack', async () => {
    const { code, stdout, stderr } = await finish(start(script, ['faulty', '--json']));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^internal error: this is a fault in claq, .+\nTypeError: the tests broke it\n {4}at .+run-command-process\.ts/,
    );
    expect(eventsOf(stdout)).toEqual([{ event: 'error', code: 'internal', message: 'the tests broke it' }]);
  });
});

/** A model of zeros that takes seconds to inspect and next to nothing on the disk: its shard is a hole. */
async function slowModel(): Promise<string> {
  const folder = await mkdtemp(join(work, 'slow-'));
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: 64,
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 8,
    num_key_value_heads: 8,
    max_position_embeddings: 512,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
  };
  const shapes = new Map<string, number[]>([
    [TENSOR_NAMES.embedding, [64, 1024]],
    [TENSOR_NAMES.finalNorm, [1024]],
  ]);
  for (let block = 0; block < config.num_hidden_layers; block++) {
    shapes.set(TENSOR_NAMES.inputNorm(block), [1024]);
    shapes.set(TENSOR_NAMES.ffnNorm(block), [1024]);
    for (const kind of MATRIX_KINDS) {
      const rows = kind === 'gate' || kind === 'up' ? 4096 : 1024;
      shapes.set(`${matrixName(block, kind)}.weight`, [rows, kind === 'down' ? 4096 : 1024]);
    }
  }
  const tensors = [...shapes].map(([name, shape]) => ({ name, shape, dtype: 'F16' as const }));
  const header = encodeHeader(tensors, new Map());
  const bytes = tensors.reduce(
    (sum, { shape }) => sum + 2 * shape.reduce((product, length) => product * length, 1),
    0,
  );
  const shard = await open(join(folder, 'model.safetensors'), 'w');
  await shard.write(header);
  await shard.truncate(header.length + bytes);
  await shard.close();
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}
