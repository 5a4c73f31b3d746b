import type { RateCurve } from '../main/service/preflight/rate-curve.ts';
import { Times } from './timing.ts';

/** Times of pieces of work as they come in, by name and size; rates are of their medians. */
export class RateSamples {
  /** Seconds a unit of work, by size, by name. */
  readonly #samples = new Map<string, Map<number, number[]>>();

  /** @param units how much work of its kind the seconds went into */
  add(name: string, size: number, units: number, seconds: number): void {
    const sizes = this.#samples.get(name) ?? new Map<number, number[]>();
    this.#samples.set(name, sizes);
    sizes.set(size, [...(sizes.get(size) ?? []), seconds / units]);
  }

  /** Does the work some times after once uncounted, and adds its times. */
  async time(name: string, size: number, units: number, work: () => unknown, runs = 5): Promise<void> {
    await work();
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      await work();
      this.add(name, size, units, (performance.now() - start) / 1000);
    }
  }

  has(name: string): boolean {
    return this.#samples.has(name);
  }

  /** Median seconds a unit. */
  secondsAt(name: string, size: number): number {
    const seconds = this.#samples.get(name)?.get(size);
    if (seconds === undefined) throw new RangeError(`${name} was not measured at ${size}`);
    return new Times(seconds).median;
  }

  /** Units a second, by size. */
  curve(name: string): RateCurve {
    const sizes = [...(this.#samples.get(name)?.keys() ?? [])].sort((a, b) => a - b);
    if (sizes.length === 0) throw new RangeError(`${name} was not measured`);
    return sizes.map((size) => ({ size, rate: 1 / this.secondsAt(name, size) }));
  }

  /** Units a second of work that was measured at one size. */
  rate(name: string): number {
    const [point, ...others] = this.curve(name);
    if (point === undefined || others.length > 0) throw new RangeError(`${name} has several rates`);
    return point.rate;
  }
}
