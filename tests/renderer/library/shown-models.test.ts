import { describe, expect, it } from 'vitest';
import { bestRuns, shownModels } from '../../../renderer/library/shown-models.ts';
import type { RunCard } from '../../../shared/runs.ts';
import { cardOf, demoModel, knownModel, perplexity, someRun } from '../fake-library.ts';

const MODELS = [demoModel(1), knownModel(2, 0), knownModel(3, 1), knownModel(4, 2)];
const names = (search: string, order: Parameters<typeof shownModels>[2] = 'name'): string[] =>
  shownModels(MODELS, search, order).map(({ name }) => name);

describe('shownModels', () => {
  it('finds every word of the search in name, family, source or folder', () => {
    expect(names('')).toEqual(['Demo model', 'Llama-2-7b-hf', 'Qwen3-0.6B', 'SmolLM2-135M-Instruct']);
    expect(names('llama hugging')).toEqual(['SmolLM2-135M-Instruct']);
    expect(names('QWEN')).toEqual(['Qwen3-0.6B']);
    expect(names('/data/models llama-2')).toEqual(['Llama-2-7b-hf']);
    expect(names('gemma')).toEqual([]);
  });

  it('orders by what is asked for', () => {
    expect(names('', 'parameters')[0]).toBe('Llama-2-7b-hf');
    expect(names('', 'added')[0]).toBe('Llama-2-7b-hf');
    expect(
      shownModels(
        [
          { ...demoModel(1), addedAt: 'x' },
          { ...demoModel(2), addedAt: 'x' },
        ],
        '',
        'added',
      )[0]?.id,
    ).toBe(2);
  });
});

function measured(id: number, storedBits: number, after: number, contextLength = 512): RunCard {
  const run = cardOf(someRun(id, demoModel(1), 'complete'));
  if (run.figures === null) throw new TypeError('a complete run has figures');
  return { ...run, figures: { ...run.figures, storedBits, after: perplexity(after, contextLength) } };
}

describe('bestRuns', () => {
  it('keeps the runs that no other beats in bits and in perplexity, fewest bits first', () => {
    const runs = [measured(1, 4.3, 19.9), measured(2, 2.4, 24), measured(3, 3.4, 25), measured(4, 3.3, 20.5)];
    expect(bestRuns(runs, 3).map(({ id }) => id)).toEqual([2, 4, 1]);
    expect(bestRuns(runs, 2).map(({ id }) => id)).toEqual([2, 4]);
  });

  it('compares only what was measured as the latest was, and leaves out what was not measured', () => {
    const queued = cardOf(someRun(5, demoModel(1), 'queued'));
    const runs = [queued, measured(1, 3, 20), measured(2, 2, 9, 2048)];
    expect(bestRuns(runs, 3).map(({ id }) => id)).toEqual([1]);
    expect(bestRuns([queued], 3)).toEqual([]);
  });
});
