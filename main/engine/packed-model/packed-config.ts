/**
 * config.json of a packed model: the source's, with a type of its own that no program mistakes for a dense model's, and under the
 * key `claq` what a loader must know before it reads weights.
 */
import { z } from 'zod';
import { MAX_WIDTH, MIN_WIDTH } from '../../../shared/budget.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { TORCH_NAMES } from '../export/dense-config.ts';
import { MAX_SIDE, type MatrixForm } from '../result/matrix-file.ts';
import { exactEntries, jsonText } from '../checkpoint/exact-json.ts';

/** Goes up when a reader of the older form would misread the newer one. */
export const PACKED_VERSION = 1;
export const PACKED_MODEL_TYPE = 'claq';
/** The loader for transformers, beside the weights. */
export const LOADER_FILE = 'modeling_claq.py';

const MODULE = LOADER_FILE.replace(/\.py$/, '');
const AUTO_MAP = {
  AutoConfig: `${MODULE}.ClaqConfig`,
  AutoModelForCausalLM: `${MODULE}.ClaqForCausalLM`,
};

const side = z.int().min(1).max(MAX_SIDE);
const arrays = z.record(z.string(), z.array(z.int().nonnegative()).min(1).max(2));
const matrixSchema = z.discriminatedUnion('levels', [
  z.strictObject({ rows: side, columns: side, levels: z.literal('codebook'), arrays }),
  z.strictObject({
    rows: side,
    columns: side,
    levels: z.literal('grid'),
    width: z.int().min(MIN_WIDTH).max(MAX_WIDTH),
    group_size: side,
    arrays,
  }),
]);

const claqSchema = z.strictObject({
  version: z.literal(PACKED_VERSION),
  /** The source's, as they were; left out where it had none. */
  model_type: z.string(),
  architectures: z.unknown().optional(),
  auto_map: z.unknown().optional(),
  /** What wrote it. */
  program: z.string(),
  /** By the module's name, without `.weight`. */
  matrices: z.record(z.string(), matrixSchema),
});

export type PackedDescription = z.infer<typeof claqSchema>;
/** A matrix as config.json describes it: its form, and the shapes of its arrays. */
export type DescribedMatrix = MatrixForm & { readonly arrays: Readonly<Record<string, readonly number[]>> };

/** What it was called before transformers 5, which knows it still. */
export const DTYPE_KEY = 'torch_dtype';

/** Keys that a packed model does not take from its source: they say how weights are stored, and which code loads them. */
const OWN_KEYS = new Set(['quantization_config', 'auto_map', 'claq']);

export interface PackedConfigParts {
  /** Text of the source's config.json. */
  readonly source: string;
  /** Of what is not quantized. Said where the source does not say it: transformers would take the dtype of a codebook for it. */
  readonly dtype: FloatDtype;
  /** `claq 0.1.0` */
  readonly program: string;
  readonly matrices: ReadonlyMap<string, DescribedMatrix>;
}

export function packedConfig({ source, dtype, program, matrices }: PackedConfigParts): string {
  const options = new Map(exactEntries(source));
  const kept = (key: string): [string, unknown][] => (options.has(key) ? [[key, options.get(key)]] : []);
  const claq: [string, unknown][] = [
    ['version', PACKED_VERSION],
    ...kept('model_type'),
    ...kept('architectures'),
    ...kept('auto_map'),
    ['program', program],
  ];
  for (const key of OWN_KEYS) options.delete(key);
  options.set('model_type', PACKED_MODEL_TYPE);
  options.set('architectures', ['ClaqForCausalLM']);
  if (!options.has('dtype') && !options.has(DTYPE_KEY)) options.set(DTYPE_KEY, TORCH_NAMES[dtype]);
  options.set('auto_map', AUTO_MAP);
  const own = [...lines(4, claq), `    "matrices": {\n${lines(6, matrices).join(',\n')}\n    }`];
  return `${jsonText(options).trimEnd().slice(0, -1).trimEnd()},\n  "claq": {\n${own.join(',\n')}\n  }\n}\n`;
}

/** An entry a line: a model has hundreds of matrices, and one that is spread over twenty lines cannot be read. */
function lines(indent: number, entries: Iterable<readonly [string, unknown]>): string[] {
  return Array.from(
    entries,
    ([key, value]) => `${' '.repeat(indent)}${JSON.stringify(key)}: ${JSON.stringify(value)}`,
  );
}

/** Whether this is the text of a packed model's config.json. Anything that is not even JSON is none. */
export function isPacked(text: string): boolean {
  try {
    return z.looseObject({ model_type: z.literal(PACKED_MODEL_TYPE) }).safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

export interface ReadPackedConfig {
  /** Text of the source's config.json. */
  readonly source: string;
  readonly claq: PackedDescription;
}

/**
 * @param file how errors name the file
 * @throws ClaqError model/unsupported for a later version, model/config-invalid
 */
export function readPackedConfig(text: string, file: string): ReadPackedConfig {
  const claq = z.looseObject({ claq: z.unknown() }).safeParse(parseJson(text, file)).data?.claq;
  const version = z.looseObject({ version: z.unknown() }).safeParse(claq).data?.version;
  if (typeof version === 'number' && version > PACKED_VERSION) {
    throw new ClaqError('model/unsupported', 'The packed model is of a later form than this program knows', {
      where: `${file}, claq.version`,
      expected: String(PACKED_VERSION),
      found: String(version),
      remedy: 'open it with a newer version of the program',
    });
  }
  const parsed = claqSchema.safeParse(claq);
  if (!parsed.success) throw invalid(file, z.prettifyError(parsed.error).slice(0, MAX_FOUND));
  return { source: sourceConfig(text, parsed.data), claq: parsed.data };
}

/** A broken table of matrices must not flood the terminal. */
const MAX_FOUND = 1000;

function sourceConfig(text: string, claq: PackedDescription): string {
  const options = new Map(exactEntries(text));
  for (const key of OWN_KEYS) options.delete(key);
  options.set('model_type', claq.model_type);
  for (const key of ['architectures', 'auto_map'] as const) {
    if (Object.hasOwn(claq, key)) options.set(key, claq[key]);
    else options.delete(key);
  }
  return jsonText(options);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(file, cause instanceof Error ? cause.message : String(cause));
  }
}

function invalid(file: string, found: string): ClaqError {
  return new ClaqError('model/config-invalid', 'The config.json of the packed model is not valid', {
    where: file,
    expected: `a key claq as form ${PACKED_VERSION} of packed models has it`,
    found,
    remedy: 'export the model again, or download the file again',
  });
}
