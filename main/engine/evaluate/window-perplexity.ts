import { ClaqError } from '../../../shared/errors.ts';
import { overflowRemedy } from '../tensors/forward-product.ts';

/** A perplexity and what it was measured on, in the words of the GPTQ protocol. */
export interface Perplexity {
  /** exp(meanNll). */
  readonly perplexity: number;
  /** Mean over the windows of windowNll, in nats a token. */
  readonly meanNll: number;
  readonly windows: number;
  /** Tokens of a window. */
  readonly contextLength: number;
  /** Tokens of all windows; the first of each is given, not predicted. */
  readonly tokens: number;
  /** Mean negative log-likelihood of the predicted tokens of each window. */
  readonly windowNll: readonly number[];
}

/** Tokens of each window. Throws ClaqError text/too-little without a window of two tokens. */
export function requireWindows(windows: readonly Int32Array[]): number {
  const contextLength = windows[0]?.length ?? 0;
  if (contextLength < 2) {
    throw new ClaqError('text/too-little', 'There is no text to evaluate', {
      expected: 'at least one window of two or more tokens',
      found: windows.length === 0 ? 'no window' : `windows of ${contextLength} tokens`,
    });
  }
  if (windows.some((ids) => ids.length !== contextLength)) throw new Error('windows differ in length');
  return contextLength;
}

/**
 * The perplexity of windows by the losses of their predicted tokens. Throws ClaqError engine/kernel-failed.
 * @param losses negative log-likelihoods of each window's tokens but the first
 */
export function perplexityOfLosses(losses: readonly Float64Array[], contextLength: number): Perplexity {
  const windowNll = losses.map(mean);
  const unusable = windowNll.findIndex((nll) => !Number.isFinite(nll));
  if (unusable >= 0) {
    throw new ClaqError('engine/kernel-failed', 'The forward pass gave a value that is not a finite number', {
      where: `window ${unusable}`,
      expected: 'a finite negative log-likelihood',
      found: String(windowNll[unusable]),
      remedy: overflowRemedy(),
    });
  }
  const meanNll = mean(windowNll);
  return {
    perplexity: Math.exp(meanNll),
    meanNll,
    windows: losses.length,
    contextLength,
    tokens: losses.length * contextLength,
    windowNll,
  };
}

function mean(values: Float64Array | readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
