/** Where the time of a run went. */
import type { RunFigures } from '../../shared/run-record.ts';

export interface TimePart {
  readonly label: string;
  readonly meaning: string;
  readonly seconds: number;
  /** Of the whole time, 0..1. */
  readonly share: number;
}

const PARTS: Readonly<Record<string, readonly [label: string, meaning: string]>> = {
  forward: ['Forward pass', 'Calibration segments through the blocks'],
  hessian: ['Hessians', 'Sums of the inputs’ products, one a group of matrices'],
  quantize: ['Columns', 'Factorization, codebooks, codes, and errors carried on'],
  evaluate: ['Perplexity of the result', 'The evaluation windows through the quantized blocks'],
  original: ['Perplexity of the original', 'The evaluation windows through the model as it was'],
  export: ['Dense export', 'Written, read back, and compared'],
};

/** Less than this share is not worth a line. */
const WORTH_A_LINE = 0.002;

/** The measured parts, largest first, and what is left. */
export function timeParts({ seconds, timing }: Pick<RunFigures, 'seconds' | 'timing'>): TimePart[] {
  const whole = Math.max(
    seconds,
    Object.values(timing).reduce((sum, each) => sum + each, 0),
  );
  if (whole <= 0) return [];
  const parts = Object.entries(timing).map(([name, spent]) => {
    const [label, meaning] = PARTS[name] ?? [name, ''];
    return { label, meaning, seconds: spent, share: spent / whole };
  });
  const rest = whole - parts.reduce((sum, part) => sum + part.seconds, 0);
  parts.push({
    label: 'The rest',
    meaning:
      timing['original'] === undefined
        ? 'Texts, the original model’s evaluation, reading and writing files'
        : 'Texts, reading and writing files',
    seconds: rest,
    share: rest / whole,
  });
  return parts.filter(({ share }) => share >= WORTH_A_LINE).sort((a, b) => b.seconds - a.seconds);
}
