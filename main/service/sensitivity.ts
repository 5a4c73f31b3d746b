import { resolve } from 'node:path';
import {
  quantizeChoicesSchema,
  type RunHooks,
  type SensitivityRequest,
  sensitivityRequestSchema,
} from '../../shared/requests.ts';
import type { SensitivitySummary } from '../../shared/summaries.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { GRADIENT_TOKENS, segmentsOf } from '../engine/plan-model.ts';
import { measureSensitivity } from '../engine/sensitivity/measure-sensitivity.ts';
import { startEngine } from '../engine/start-engine.ts';
import { loadTokenizer } from '../engine/text/tokenizer.ts';
import { activationMemory } from './activation-memory.ts';
import { engineNote } from './engine-note.ts';
import { lengthFor } from './text-length.ts';
import { calibrationSegments } from './texts.ts';
import { validRequest } from './valid-request.ts';

/**
 * What a model's loss feels of errors in the output of each matrix, on the first segments that a run of default choices calibrates
 * on: as many as CLAQ+ takes.
 *
 * @throws ClaqError request/invalid, run/cancelled, and what opening the checkpoint, reading the text and measureSensitivity throw
 */
export async function modelSensitivity(
  request: SensitivityRequest,
  hooks: RunHooks = {},
): Promise<SensitivitySummary> {
  const start = performance.now();
  const {
    model: path,
    text,
    threads,
    hostMemory,
    engine: choice,
    forwardPrecision,
  } = validRequest(sensitivityRequestSchema, request);
  const checkpoint = await openCheckpoint(path);
  try {
    const engine = await startEngine({ engine: choice, threads, forwardPrecision });
    try {
      hooks.onNote?.(engineNote(engine));
      const tokenizer = await loadTokenizer(checkpoint);
      const { calibration } = quantizeChoicesSchema.parse({});
      const length = lengthFor(checkpoint.model, calibration.segmentLength, '--segment-length');
      const count = segmentsOf(GRADIENT_TOKENS, { count: calibration.segments, length });
      const drawing = { ...calibration, source: text, segments: count };
      const { segments, record } = await calibrationSegments(checkpoint.model, tokenizer, drawing, hooks);
      const { tokens, matrices } = await measureSensitivity({
        checkpoint,
        segments,
        memory: activationMemory(hostMemory),
        ...hooks,
      });
      return {
        matrices: matrices.map(({ block, kind, mean, median }) => ({ block, kind, mean, median })),
        tokens,
        segments: record.segments,
        segmentLength: record.length,
        text: record.corpus.paths.join(', '),
        textSha256: record.corpus.sha256,
        engine: engine.backend.description,
        forwardPrecision: engine.forwardPrecision,
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
