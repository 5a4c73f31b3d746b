/** Seeded random data for tests: the same seed gives the same numbers on every machine. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { type Matrix, product, transpose, zeros } from './linear-algebra.ts';

export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** In [0, 1). */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** Standard normal (Box and Muller 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Student's t with few degrees of freedom: the heavy tails of real weights. */
  student(freedom: number): number {
    let squares = 0;
    for (let i = 0; i < freedom; i++) squares += this.normal() ** 2;
    return this.normal() / Math.sqrt(squares / freedom);
  }

  floats(length: number, draw: () => number): Float32Array {
    return Float32Array.from({ length }, draw);
  }
}

/** Inputs of a layer whose channels differ in size and move together, as those of real layers do: [tokens, columns]. */
export function correlatedInputs(random: Random, tokens: number, columns: number): Matrix {
  const common = Array.from({ length: tokens }, () => random.normal());
  const scales = Array.from({ length: columns }, () => Math.exp(random.normal()));
  const inputs = zeros(tokens, columns);
  for (let token = 0; token < tokens; token++) {
    for (let column = 0; column < columns; column++) {
      inputs.values[token * columns + column] =
        (scales[column] ?? 1) * (random.normal() + 0.7 * (common[token] ?? 0));
    }
  }
  return inputs;
}

/** 2 X^T X of correlated inputs, rounded to float32 so that the kernels and the oracle start from the same numbers. */
export function randomHessian(random: Random, columns: number, deadColumns: readonly number[] = []): Matrix {
  const inputs = correlatedInputs(random, 2 * columns + 8, columns);
  for (let token = 0; token < inputs.rows; token++) {
    for (const column of deadColumns) inputs.values[token * columns + column] = 0;
  }
  const gram = product(transpose(inputs), inputs);
  return { ...gram, values: gram.values.map((value) => Math.fround((2 * value) / inputs.rows)) };
}
