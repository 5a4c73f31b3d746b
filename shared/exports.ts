/** What a quantized model is exported as, and what its check found. */
import { z } from 'zod';

/**
 * `dense`: a Hugging Face folder with dequantized weights. `gguf`: one file for llama.cpp and what is built on it. `packed`: the small
 * one, with codes and codebooks as they are, and a loader for transformers.
 */
export const EXPORT_FORMATS = ['dense', 'gguf', 'packed'] as const;
export type ExportFormatName = (typeof EXPORT_FORMATS)[number];

/** `source` keeps each tensor's own dtype; in a packed model, of those that are not quantized. */
export const EXPORT_DTYPES = ['source', 'f16', 'f32', 'q8_0'] as const;
export type ExportDtype = (typeof EXPORT_DTYPES)[number];

/** The dtypes that a format has, the usual one first. */
export const DTYPES_OF_FORMAT = {
  dense: ['source', 'f16', 'f32'],
  gguf: ['f16', 'q8_0'],
  packed: ['source'],
} as const satisfies Readonly<Record<ExportFormatName, readonly ExportDtype[]>>;

/** The dtypes of dense exports, which a run makes beside itself. */
export const DENSE_DTYPES = DTYPES_OF_FORMAT.dense;
export type DenseDtypeName = (typeof DENSE_DTYPES)[number];

export const exportTargetSchema = z.discriminatedUnion('format', [
  z.strictObject({
    format: z.literal('dense'),
    dtype: z.enum(DTYPES_OF_FORMAT.dense).default(DTYPES_OF_FORMAT.dense[0]),
  }),
  z.strictObject({
    format: z.literal('gguf'),
    dtype: z.enum(DTYPES_OF_FORMAT.gguf).default(DTYPES_OF_FORMAT.gguf[0]),
  }),
  z.strictObject({
    format: z.literal('packed'),
    dtype: z.enum(DTYPES_OF_FORMAT.packed).default(DTYPES_OF_FORMAT.packed[0]),
  }),
]);
/** What a caller may leave out is left out. */
export type ExportTargetRequest = z.input<typeof exportTargetSchema>;
export type ExportTarget = z.output<typeof exportTargetSchema>;

/** Everything that can be exported, in the order of the lists above. */
export const EXPORT_TARGETS: readonly ExportTarget[] = EXPORT_FORMATS.flatMap((format) =>
  DTYPES_OF_FORMAT[format].map((dtype) => exportTargetSchema.parse({ format, dtype })),
);

/** Folder of an export inside of its source's, where none is named: `dense`, `dense-f16`, `gguf-q8_0`, `packed`. */
export function exportFolderName({ format, dtype }: Readonly<ExportTarget>): string {
  return dtype === 'source' ? format : `${format}-${dtype}`;
}

export function isSameTarget(a: Readonly<ExportTarget>, b: Readonly<ExportTarget>): boolean {
  return a.format === b.format && a.dtype === b.dtype;
}

/** A perplexity of the written model, read by its own reader, beside that of what was exported. */
const comparedPerplexitySchema = z.strictObject({
  windows: z.int(),
  contextLength: z.int(),
  expected: z.number(),
  found: z.number(),
});
export type ComparedPerplexity = z.infer<typeof comparedPerplexitySchema>;

/** What the check after the writing found. An export that does not pass it is not kept. */
export const exportCheckSchema = z.strictObject({
  tensors: z.int(),
  /** Largest difference that rounding to the format made, 0 where every value is one of the format's. */
  maxRounding: z.number(),
  perplexity: comparedPerplexitySchema,
});
export type ExportCheck = z.infer<typeof exportCheckSchema>;

/** What an export came to. */
export const exportResultSchema = z.strictObject({
  files: z.int(),
  /** Of all files. */
  bytes: z.int(),
  /** Written, read back, and compared. */
  seconds: z.number(),
  check: exportCheckSchema,
});
export type ExportResult = z.infer<typeof exportResultSchema>;
