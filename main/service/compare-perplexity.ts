/** The last check of an export: it is evaluated as whoever gets it would, and its perplexity compared with what was exported. */
import { ClaqError } from '../../shared/errors.ts';
import type { ComparedPerplexity } from '../../shared/exports.ts';
import type { RunHooks } from '../../shared/requests.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { streamedPerplexity } from '../engine/evaluate/streamed-perplexity.ts';
import { type Replacements, replacementOf, tensorPieces } from '../engine/export/dense-tensors.ts';
import { PackedCheckpoint } from '../engine/packed-model/packed-checkpoint.ts';
import { loadTokenizer } from '../engine/text/tokenizer.ts';
import type { StreamedMatrix } from '../engine/transformer/streamed-block.ts';
import { packedMatrices } from './export-source.ts';
import { windowsOfText } from './texts.ts';

/** Enough that a wrong tensor, order of rows or tokenizer shows, and little enough to be done each time. */
const WINDOWS = 2;
const WINDOW_TOKENS = 128;

/**
 * Differences in the mean negative log-likelihood, in nats a token. Where nothing was rounded the same numbers are multiplied; rounding
 * to half precision or eight bits moves it by some thousandths.
 */
const TOLERANCE = { exact: 1e-4, rounded: 0.05 } as const;

export interface PerplexityComparison {
  readonly checkpoint: Checkpoint;
  /** Matrices in the places of the checkpoint's. */
  readonly replacements: Replacements;
  /** The written model: a folder, or a file in it. */
  readonly written: string;
  readonly rounded: boolean;
}

/**
 * Needs a started engine. Throws ClaqError output/verification-failed where the written model's tokenizer gives other tokens, or its
 * perplexity is another; run/cancelled.
 */
export async function comparePerplexity(
  { checkpoint, replacements, written, rounded }: PerplexityComparison,
  hooks: RunHooks,
): Promise<ComparedPerplexity> {
  const expectedWindows = await firstWindows(checkpoint, hooks);
  const reopened = await openCheckpoint(written);
  try {
    const windows = await firstWindows(reopened, hooks);
    requireSameTokens(written, expectedWindows, windows);
    const measure = async (model: Checkpoint, of: string, replaced?: Replacements): Promise<number> => {
      const measured = await streamedPerplexity({
        checkpoint: model,
        matrix: matrixRows(model, replaced),
        windows,
        phase: `Evaluating ${of}`,
        onProgress: hooks.onProgress,
        signal: hooks.signal,
      });
      return measured.meanNll;
    };
    const expected = await measure(checkpoint, 'what was exported', replacements);
    const ownMatrices = reopened instanceof PackedCheckpoint ? packedMatrices(reopened) : undefined;
    const found = await measure(reopened, 'the written model', ownMatrices);
    const tolerance = rounded ? TOLERANCE.rounded : TOLERANCE.exact;
    if (!(Math.abs(found - expected) <= tolerance)) {
      throw new ClaqError('output/verification-failed', 'The written model has another perplexity', {
        where: written,
        expected: `${Math.exp(expected).toFixed(3)}, give or take ${(100 * Math.expm1(tolerance)).toPrecision(2)} %`,
        found: Math.exp(found).toFixed(3),
        remedy: 'this is a fault of the export: please report it',
      });
    }
    const contextLength = windows[0]?.length ?? 0;
    return { windows: windows.length, contextLength, expected: Math.exp(expected), found: Math.exp(found) };
  } finally {
    await reopened.close();
  }
}

/** Matrices as an export writes them, a few rows at a time: what is compared is held whole as little as what is written. */
function matrixRows(checkpoint: Checkpoint, replacements: Replacements | undefined): StreamedMatrix {
  return async function* (name) {
    const entry = checkpoint.tensors.get(name);
    if (entry === undefined) {
      throw new ClaqError('weights/missing-tensor', `The model has no matrix ${name}`, {
        where: checkpoint.folder,
      });
    }
    const replacement = replacements === undefined ? undefined : await replacementOf(replacements, name);
    yield* tensorPieces(checkpoint, entry, replacement === undefined ? entry.dtype : 'F32', replacement);
  };
}

async function firstWindows(checkpoint: Checkpoint, hooks: RunHooks): Promise<readonly Int32Array[]> {
  const { model } = checkpoint;
  const tokenizer = await loadTokenizer(checkpoint);
  const contextLength = Math.min(WINDOW_TOKENS, model.contextLength);
  const request = { source: undefined, limit: WINDOWS, contextLength };
  const { windows } = await windowsOfText(model, tokenizer, request, { signal: hooks.signal });
  return windows;
}

function requireSameTokens(
  written: string,
  expected: readonly Int32Array[],
  found: readonly Int32Array[],
): void {
  const [wanted, got] = [expected, found].map((windows) => windows.flatMap((ids) => [...ids]));
  const at = wanted?.findIndex((id, position) => id !== got?.[position]) ?? 0;
  if (at < 0 && wanted?.length === got?.length) return;
  throw new ClaqError('output/verification-failed', "The written model's tokenizer gives other tokens", {
    where: `${written}, token ${at}`,
    expected: String(wanted?.[at]),
    found: String(got?.[at]),
    remedy: 'this is a fault of the export: please report it',
  });
}
