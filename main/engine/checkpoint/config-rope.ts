/**
 * Rotary embedding: base and scaling, from either spelling of the config: `rope_theta` + `rope_scaling` (transformers 4) or
 * `rope_parameters` (transformers 5).
 */
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { RopeScaling } from '../../../shared/model.ts';
import { optionText, unsupportedOption } from './config-options.ts';

export interface RopeConfig {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Far beyond the largest in use (1e7), and near enough to keep theta^(2i/d) an ordinary float32. */
const MAX_THETA = 1e12;

/** Far beyond the largest in use (32). */
const MAX_FACTOR = 1e4;

const DEFAULT_THETA = 10_000;

const theta = z.number().gt(1).max(MAX_THETA);
const factor = z.number().min(1).max(MAX_FACTOR);
const positive = z.number().positive().max(MAX_FACTOR);
const tokens = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** Everything that the supported types know, in both spellings. Anything else in there belongs to a type we don't compute. */
const ropeSchema = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: theta.nullish(),
  factor: factor.nullish(),
  low_freq_factor: positive.nullish(),
  high_freq_factor: positive.nullish(),
  original_max_position_embeddings: tokens.nullish(),
  partial_rotary_factor: z.literal(1, 'only 1 is supported').nullish(),
});
type RopeObject = z.infer<typeof ropeSchema>;

/** Shape of the keys of config.json that this file reads. */
export const ropeKeys = {
  rope_theta: theta.nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  original_max_position_embeddings: tokens.nullish(),
};
type RopeKeys = z.infer<z.ZodObject<typeof ropeKeys>>;

/**
 * @throws ClaqError model/unsupported for a type other than default, linear and llama3 and for a key that these don't have,
 * model/config-invalid for a value out of range or two spellings that contradict each other.
 */
export function ropeOf(config: RopeKeys, file: string): RopeConfig {
  const spellings = (['rope_parameters', 'rope_scaling'] as const).flatMap((key) => {
    const value = config[key];
    return value === undefined || value === null || Object.keys(value).length === 0
      ? []
      : [readSpelling(value, key, config, file)];
  });
  const [first = { theta: undefined, scaling: { type: 'none' } as const }, second] = spellings;
  if (second !== undefined && JSON.stringify(first.scaling) !== JSON.stringify(second.scaling)) {
    throw contradiction(file, 'rope_parameters', first.scaling, 'rope_scaling', second.scaling);
  }
  const thetas = [config.rope_theta, ...spellings.map((spelling) => spelling.theta)].filter(
    (value) => typeof value === 'number',
  );
  const [given = DEFAULT_THETA] = thetas;
  const other = thetas.find((value) => value !== given);
  if (other !== undefined) {
    throw contradiction(file, 'rope_theta', given, 'the rope_theta of the rotary options', other);
  }
  return { theta: given, scaling: first.scaling };
}

interface Spelling {
  readonly theta: number | undefined;
  readonly scaling: RopeScaling;
}

function readSpelling(value: Record<string, unknown>, key: string, config: RopeKeys, file: string): Spelling {
  const type = value['rope_type'] ?? value['type'] ?? 'default';
  if (type !== 'default' && type !== 'linear' && type !== 'llama3') {
    throw unsupportedOption(file, `${key}.rope_type`, type, 'default, linear or llama3');
  }
  const foreign = Object.keys(value).find((name) => !Object.hasOwn(ropeSchema.shape, name));
  if (foreign !== undefined) {
    throw unsupportedOption(
      file,
      `${key}.${foreign}`,
      value[foreign],
      `no such option with rope_type ${type}`,
    );
  }
  if ((value['partial_rotary_factor'] ?? 1) !== 1) {
    throw unsupportedOption(file, `${key}.partial_rotary_factor`, value['partial_rotary_factor'], '1');
  }
  const parsed = ropeSchema.safeParse(value);
  if (!parsed.success) {
    throw new ClaqError('model/config-invalid', 'The rotary options of config.json are not valid', {
      where: `${file}, ${key}`,
      expected: z.prettifyError(parsed.error),
      found: optionText(value),
    });
  }
  return {
    theta: parsed.data.rope_theta ?? undefined,
    scaling: scalingOf(type, parsed.data, key, config, file),
  };
}

function scalingOf(
  type: 'default' | 'linear' | 'llama3',
  rope: RopeObject,
  key: string,
  config: RopeKeys,
  file: string,
): RopeScaling {
  const needed = (name: keyof typeof ropeSchema.shape, value: number | null | undefined): number => {
    if (typeof value === 'number') return value;
    throw new ClaqError('model/config-invalid', `The rotary options of config.json lack ${name}`, {
      where: `${file}, ${key}`,
      expected: `${name}, which rope_type ${type} needs`,
      found: optionText(rope),
    });
  };
  switch (type) {
    case 'default':
      return { type: 'none' };
    case 'linear':
      return { type: 'linear', factor: needed('factor', rope.factor) };
    case 'llama3': {
      const inside = rope.original_max_position_embeddings;
      const outside = config.original_max_position_embeddings;
      if (typeof inside === 'number' && typeof outside === 'number' && inside !== outside) {
        const name = 'original_max_position_embeddings';
        throw contradiction(file, `${key}.${name}`, inside, name, outside);
      }
      const lowFreqFactor = needed('low_freq_factor', rope.low_freq_factor);
      const highFreqFactor = needed('high_freq_factor', rope.high_freq_factor);
      if (highFreqFactor <= lowFreqFactor) {
        throw new ClaqError('model/config-invalid', 'The rotary options of config.json are not valid', {
          where: `${file}, ${key}`,
          expected: 'high_freq_factor above low_freq_factor',
          found: `${highFreqFactor} and ${lowFreqFactor}`,
        });
      }
      return {
        type: 'llama3',
        factor: needed('factor', rope.factor),
        lowFreqFactor,
        highFreqFactor,
        originalContextLength: needed('original_max_position_embeddings', inside ?? outside),
      };
    }
  }
}

function contradiction(
  file: string,
  key: string,
  value: unknown,
  otherKey: string,
  otherValue: unknown,
): ClaqError {
  return new ClaqError('model/config-invalid', 'config.json contradicts itself about the rotary embedding', {
    where: file,
    expected: `the same value for ${key} and ${otherKey}`,
    found: `${optionText(value)} and ${optionText(otherValue)}`,
    remedy: 'look up the right value in the model card and remove the other',
  });
}
