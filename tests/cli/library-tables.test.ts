import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { modelsText, runsText } from '../../main/cli/library-tables.ts';
import { type ModelCard, modelIdSchema } from '../../shared/library.ts';
import type { PerplexityFigure } from '../../shared/run-record.ts';
import { type RunCard, runIdSchema } from '../../shared/runs.ts';
import { LLAMA_7B } from '../known-models.ts';
import { runDetail } from '../service/studio/run-samples.ts';

function figure(perplexity: number): PerplexityFigure {
  const text = { text: 'bundled', textSha256: '0' };
  const windows = { windows: 16, contextLength: 2048, tokens: 16 * 2047 };
  return { perplexity, meanNll: Math.log(perplexity), protocol: 'gptq', ...windows, ...text };
}

function model(changes: Partial<ModelCard> = {}): ModelCard {
  return {
    id: modelIdSchema.parse(3),
    name: 'llama-7b',
    folder: '/models/llama-7b',
    source: { kind: 'folder' },
    addedAt: '2026-03-02T10:05:00.000Z',
    description: LLAMA_7B,
    parameters: 6_738_415_616,
    quantizedWeights: 6_476_005_376,
    bytes: 13_476_839_424,
    dtype: 'F16',
    quantized: null,
    missing: false,
    runs: { complete: 0, open: 0 },
    baseline: null,
    ...changes,
  };
}

function run(changes: Partial<RunCard> = {}): RunCard {
  return { ...runDetail(runIdSchema.parse(12)), ...changes };
}

/** The cells of each line, without those that are empty and without colours. */
function cellsOf(text: string): string[][] {
  const lines = stripVTControlCharacters(text).trimEnd().split('\n');
  return lines.map((line) =>
    line
      .trim()
      .split(/ {2,}/)
      .filter((cell) => cell !== ''),
  );
}

describe('modelsText', () => {
  it('has a line a model', () => {
    const hub = { kind: 'hub', repository: 'huggyllama/llama-7b', commit: '8416d3fefb0cb3ff' } as const;
    const text = modelsText(
      [
        model({ baseline: figure(5.677), runs: { complete: 2, open: 1 } }),
        model({ id: modelIdSchema.parse(14), source: hub, missing: true, runs: { complete: 1, open: 0 } }),
      ],
      '/data',
    );
    expect(cellsOf(text)).toEqual([
      ['id', 'name', 'family', 'parameters', 'size', 'perplexity', 'runs', 'from', 'folder'],
      [
        ...['3', 'llama-7b', 'llama', '6.74 B', '13.5 GB F16', '5.68', '3, 1 not complete'],
        ...['folder', '/models/llama-7b'],
      ],
      [
        ...['14', 'llama-7b', 'llama', '6.74 B', '13.5 GB F16', '1'],
        ...['huggyllama/llama-7b at 8416d3f', '/models/llama-7b (not there now)'],
      ],
    ]);
  });

  it('says what to do where there are none', () => {
    expect(modelsText([], '/data')).toBe(
      'No models in the library of /data yet. Add one:\n' +
        '  claq models add FOLDER            a model that is on the disk\n' +
        "  claq models download OWNER/NAME   one of Hugging Face's\n",
    );
  });
});

const ASKED = { dataFolder: '/data' };

describe('runsText', () => {
  it('has a line a run, with what it came to', () => {
    const figures = {
      nominalBits: 2.12,
      storedBits: 2.4,
      weights: 1000,
      sourceBytes: 2000,
      packedBytes: 1_940_000_000,
      loss: 12.5,
      before: figure(5.677),
      after: figure(6.041),
      sessions: 1,
      seconds: 7620,
      timing: {},
    };
    const endedAt = new Date(2026, 2, 2, 10, 5).toISOString();
    const text = runsText([run({ state: 'complete', matricesDone: 14, figures, endedAt })], ASKED);
    expect(cellsOf(text)).toEqual([
      [
        ...['id', 'model', 'budget', 'state', 'matrices', 'bits', 'perplexity', 'size', 'time', 'ended'],
        'folder',
      ],
      [
        ...['12', 'Demo model', '2.12 (AP 2.05 of {2,4} + OR 0.07)', 'complete', '14 of 14', '2.40'],
        ...['5.68 -> 6.04', '1.94 GB', '2 h 07 min', '2 Mar 2026, 10:05', '/runs/Demo-model-2.12-1'],
      ],
    ]);
  });

  it('says why a run failed, and names another method', () => {
    const error = { code: 'output/disk-full', message: 'The disk is full' } as const;
    const [, cells] = cellsOf(runsText([run({ state: 'failed', method: 'rtn', budget: '4', error })], ASKED));
    expect(cells?.slice(2, 5)).toEqual(['4, rtn', 'failed: The disk is full', '0 of 14']);
  });

  it('says when waiting runs begin', () => {
    const lines = cellsOf(
      runsText([run({ state: 'queued', ahead: 2 }), run({ state: 'queued', ahead: 0 })], ASKED),
    );
    expect(lines.slice(1, 3).map((cells) => cells[3])).toEqual(['waiting, 2 before it', 'waiting, next']);
    expect(lines.at(-1)).toEqual(['Waiting runs begin when CLAQ Studio is open: claq serve.']);
  });

  it('says what to do where there are none', () => {
    expect(runsText([], ASKED)).toBe(
      'No runs in the library of /data yet:\n' +
        '  claq runs add FOLDER   takes in a run of claq quantize\n' +
        '  claq serve             opens the page that starts and watches runs\n',
    );
    expect(runsText([], { ...ASKED, of: 'tiny' })).toMatch(
      /^No runs of tiny in the library of \/data yet:\n/,
    );
  });
});
