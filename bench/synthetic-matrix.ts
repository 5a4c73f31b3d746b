import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Numbers in (0, 1), the same for the same seed. */
export function uniforms(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => ((generator.next() >>> 0) + 0.5) / 2 ** 32;
}

/** Standard normal numbers (Box and Muller 1958). */
function normals(seed: number): () => number {
  const uniform = uniforms(seed);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** Student's t with four degrees of freedom by its inverse distribution function (Shaw 2006): tails like those of weights. */
function heavyTailed(p: number): number {
  const a = 4 * p * (1 - p);
  const root = Math.sqrt(a);
  const q = Math.cos(Math.acos(root) / 3) / root;
  return Math.sign(p - 0.5) * 2 * Math.sqrt(Math.max(0, q - 1));
}

/** Weights with heavy tails, [rows, columns] row-major; columns differ in size as input channels do. */
export function syntheticWeights(rows: number, columns: number, seed: number): Float32Array {
  const uniform = uniforms(seed);
  const normal = normals(seed + 1);
  const scales = Float64Array.from({ length: columns }, () => 0.02 * Math.exp(0.3 * normal()));
  const weights = new Float32Array(rows * columns);
  for (let at = 0; at < weights.length; at++)
    weights[at] = heavyTailed(uniform()) * (scales[at % columns] ?? 0);
  return weights;
}

/** One column in this many is heavy, as those of a few input channels are. */
const HEAVY_COLUMN = 64;

/** Normal weights, [rows, columns] row-major, and a few columns of weights eight times as large. */
export function normalWeights(rows: number, columns: number, seed: number): Float32Array {
  const normal = normals(seed);
  return Float32Array.from({ length: rows * columns }, (_, at) => {
    const heavy = (at % columns) % HEAVY_COLUMN === 0;
    return (heavy ? 0.16 : 0.02) * normal();
  });
}

/** Directions that all channels share: what makes the columns of a real Hessian depend on each other. */
const SHARED_DIRECTIONS = 8;

/** Inputs of a layer, [tokens, columns] row-major: a few shared directions, noise, and channels of very different size. */
export function syntheticInputs(tokens: number, columns: number, seed: number): Float32Array {
  const normal = normals(seed);
  const scales = Float64Array.from({ length: columns }, () => Math.exp(0.7 * normal()));
  const mixing = Float64Array.from({ length: columns * SHARED_DIRECTIONS }, () => 0.4 * normal());
  const inputs = new Float32Array(tokens * columns);
  const shared = new Float64Array(SHARED_DIRECTIONS);
  for (let token = 0; token < tokens; token++) {
    for (let direction = 0; direction < SHARED_DIRECTIONS; direction++) shared[direction] = normal();
    for (let column = 0; column < columns; column++) {
      let sum = normal();
      for (let direction = 0; direction < SHARED_DIRECTIONS; direction++) {
        sum += (mixing[column * SHARED_DIRECTIONS + direction] ?? 0) * (shared[direction] ?? 0);
      }
      inputs[token * columns + column] = sum * (scales[column] ?? 0);
    }
  }
  return inputs;
}
