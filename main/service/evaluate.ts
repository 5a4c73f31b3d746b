import { resolve } from 'node:path';
import { type EvaluateRequest, type RunHooks, evaluateRequestSchema } from '../../shared/requests.ts';
import type { EvaluateSummary } from '../../shared/summaries.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../engine/evaluate/perplexity.ts';
import { startEngine } from '../engine/start-engine.ts';
import { loadTokenizer } from '../engine/text/tokenizer.ts';
import { activationMemory } from './activation-memory.ts';
import { engineNote } from './engine-note.ts';
import { requireSameModel, requireWrittenMatrices } from './model-files.ts';
import { openRun } from './open-run.ts';
import { validRequest } from './valid-request.ts';
import { perplexityFigure, windowsOfText } from './texts.ts';

/** `claq evaluate MODEL_OR_RUN`: perplexity of a model, or of what a run made of it. */
export async function evaluateModel(
  request: EvaluateRequest,
  hooks: RunHooks = {},
): Promise<EvaluateSummary> {
  const start = performance.now();
  const {
    model: path,
    text,
    windows: limit,
    contextLength,
    threads,
    hostMemory,
    engine: choice,
    forwardPrecision,
  } = validRequest(evaluateRequestSchema, request);
  const run = await openRun(path);
  const checkpoint = await openCheckpoint(run?.record.model.folder ?? path);
  try {
    // Before minutes are spent on texts and hashes.
    const engine = await startEngine({ engine: choice, threads, forwardPrecision });
    try {
      hooks.onNote?.(engineNote(engine));
      if (run !== undefined) {
        await requireSameModel(run.record.model.files, checkpoint, hooks);
        await requireWrittenMatrices(run.folder, run.record.matrices, hooks);
      }
      const tokenizer = await loadTokenizer(checkpoint);
      const windowed = { source: text, limit, contextLength };
      const windows = await windowsOfText(checkpoint.model, tokenizer, windowed, hooks);
      const measured = await evaluatePerplexity({
        checkpoint,
        windows: windows.windows,
        memory: activationMemory(hostMemory),
        ...(run === undefined ? {} : { replace: run.matrix }),
        ...hooks,
      });
      return {
        ...perplexityFigure(measured, windows, engine),
        model: resolve(path),
        seconds: (performance.now() - start) / 1000,
      };
    } finally {
      await engine.stop();
    }
  } finally {
    await checkpoint.close();
  }
}
