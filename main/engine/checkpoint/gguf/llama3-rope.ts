/**
 * Llama 3 scales its rotary frequencies by four numbers, of which a GGUF file holds only the result: a divisor for each frequency.
 * High frequencies keep theirs (1), low ones are divided by `factor`, and between them 1 / divisor rises in a straight line with
 * the frequency. From that line the numbers come back.
 * Scaling as in transformers (modeling_rope_utils.py, llama3) and llama.cpp's converter.
 */

export interface Llama3Rope {
  readonly factor: number;
  readonly lowFreqFactor: number;
  readonly highFreqFactor: number;
  readonly originalContextLength: number;
}

/** As all published models have them. */
const LOW = 1;
const HIGH = 4;

/** Several float32 steps on either side, near a threshold on the difference of close numbers. */
const TOLERANCE = 2e-5;

/** Where no frequency lies between the thresholds: any context that separates the same frequencies computes the same. */
const CONTEXTS = [8192, ...Array.from({ length: 24 }, (_, exponent) => 2 ** (exponent + 1))];

/**
 * Scaling all three of low, high and context by the same number changes nothing, so low is taken to be 1.
 * @param divisors one for each pair of a head's values
 * @param theta base of the frequencies
 * @returns undefined where no such scaling gives these divisors
 */
export function recoverLlama3Rope(divisors: Float32Array, theta: number): Llama3Rope | undefined {
  const factor = Math.fround(divisors.reduce((largest, divisor) => Math.max(largest, divisor), 1));
  const candidates = between(divisors, theta, factor);
  return candidates.find((rope) => isClose(llama3Divisors(rope, theta, divisors.length), divisors));
}

/** The divisors of `pairs` frequencies theta^(-i / pairs). */
export function llama3Divisors(
  { factor, lowFreqFactor, highFreqFactor, originalContextLength }: Llama3Rope,
  theta: number,
  pairs: number,
): Float32Array {
  return Float32Array.from({ length: pairs }, (_, pair) => {
    const turns = (originalContextLength * theta ** (-pair / pairs)) / (2 * Math.PI);
    if (turns > highFreqFactor) return 1;
    if (turns < lowFreqFactor) return factor;
    const smooth = (turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function between(divisors: Float32Array, theta: number, factor: number): Llama3Rope[] {
  const points = [...divisors.entries()]
    .filter(([, divisor]) => divisor > 1 + TOLERANCE && divisor < factor * (1 - TOLERANCE))
    .map(([pair, divisor]) => ({
      frequency: theta ** (-pair / divisors.length) / (2 * Math.PI),
      smooth: (1 / divisor - 1 / factor) / (1 - 1 / factor),
    }));
  const of = (context: number, high: number): Llama3Rope => ({
    factor,
    lowFreqFactor: LOW,
    highFreqFactor: high,
    originalContextLength: Math.round(context),
  });
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return CONTEXTS.map((context) => of(context, HIGH));
  // (context * frequency - 1) / (high - 1) = smooth, with high as published, or from two points of the line.
  const published = of((first.smooth * (HIGH - LOW) + LOW) / first.frequency, HIGH);
  if (first === last) return [published];
  const slope = (first.smooth - last.smooth) / (first.frequency - last.frequency);
  const range = LOW / (slope * last.frequency - last.smooth);
  const high = Number((LOW + range).toPrecision(5));
  return [published, of(slope * range, high)];
}

function isClose(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, index) => Math.abs(value - (b[index] ?? 0)) <= TOLERANCE * value);
}
