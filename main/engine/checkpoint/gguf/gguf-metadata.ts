import type { MetadataValue } from '@huggingface/gguf';
import { malformedGguf, shortened } from './gguf-errors.ts';

/** Arrays of strings, decoded when they are asked for: a vocabulary is most of a header. */
export interface StringArrays {
  readonly keys: ReadonlySet<string>;
  read(key: string): string[] | undefined;
}

/**
 * Metadata of a GGUF file by key, each value as what the reader expects it to be. All methods give undefined where there is no such
 * key, and throw ClaqError weights/malformed where its value is something else.
 */
export class GgufMetadata {
  readonly file: string;
  readonly #values: ReadonlyMap<string, MetadataValue>;
  readonly #strings: StringArrays;

  constructor(file: string, values: ReadonlyMap<string, MetadataValue>, strings: StringArrays) {
    this.file = file;
    this.#values = values;
    this.#strings = strings;
  }

  text(key: string): string | undefined {
    const value = this.#value(key);
    return value === undefined || typeof value === 'string' ? value : this.#wrong(key, 'a string', value);
  }

  /** A whole number, not negative, of any width. */
  count(key: string): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    const number = typeof value === 'bigint' ? Number(value) : value;
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
    return this.#wrong(key, 'a whole number', value);
  }

  /** A finite number; of a float32 the shortest decimal fraction that rounds to it, so that 1e-5 is what was meant. */
  float(key: string): number | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return shortestFraction(value);
    return this.#wrong(key, 'a finite number', value);
  }

  flag(key: string): boolean | undefined {
    const value = this.#value(key);
    return value === undefined || typeof value === 'boolean'
      ? value
      : this.#wrong(key, 'true or false', value);
  }

  /** A whole number that some writers give layer by layer: it must be the same for all. */
  countOfAll(key: string): number | undefined {
    const value = this.#value(key);
    if (!Array.isArray(value)) return this.count(key);
    const [first] = value;
    if (
      typeof first === 'number' &&
      Number.isSafeInteger(first) &&
      first >= 0 &&
      value.every((one) => one === first)
    ) {
      return first;
    }
    return this.#wrong(key, 'the same whole number for all layers', value);
  }

  numbers(key: string): readonly number[] | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.#wrong(key, 'an array of numbers', value);
    const numbers: number[] = [];
    for (const one of value) {
      if (typeof one !== 'number') return this.#wrong(key, 'an array of numbers', value);
      numbers.push(one);
    }
    return numbers;
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.#value(key);
    return value === undefined ? this.#strings.read(key) : this.#wrong(key, 'an array of strings', value);
  }

  has(key: string): boolean {
    return this.#values.has(key) || this.#strings.keys.has(key);
  }

  #value(key: string): MetadataValue | undefined {
    return this.#values.get(key);
  }

  #wrong(key: string, expected: string, found: MetadataValue): never {
    const text = JSON.stringify(found, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    throw malformedGguf(
      `${this.file}, ${key}`,
      `The value of ${key} in the GGUF file is not what it should be`,
      {
        expected,
        found: shortened(text),
      },
    );
  }
}

/** The decimal fraction with the fewest digits that a float32 rounds to; a number that is no float32 stays as it is. */
function shortestFraction(value: number): number {
  if (Math.fround(value) !== value) return value;
  // Nine digits are enough for every float32.
  for (let digits = 1; digits < 9; digits++) {
    const fraction = Number(value.toPrecision(digits));
    if (Math.fround(fraction) === value) return fraction;
  }
  return value;
}
