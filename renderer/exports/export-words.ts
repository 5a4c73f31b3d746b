/** What the exports are called, and what they are for. */
import type { ExportCheck, ExportDtype, ExportFormatName, ExportTarget } from '../../shared/exports.ts';
import type { QuantizedSource } from '../../shared/library.ts';
import { readablePerplexity } from '../components/readable-figures.ts';

export const FORMAT_WORDS: Readonly<Record<ExportFormatName, string>> = {
  dense: 'Dense',
  gguf: 'GGUF',
  packed: 'Packed',
};

/** One sentence or two for whoever chooses. */
export const FORMAT_USES: Readonly<Record<ExportFormatName, string>> = {
  dense:
    'A Hugging Face folder with dequantized weights: as large as the source, and read by every program that reads it.',
  gguf: 'One file with dequantized weights for llama.cpp, Ollama and LM Studio.',
  packed:
    'The small one: codes and codebooks as they are. Transformers loads it with trust_remote_code, and this program reads it back.',
};

/** The order of the choice: what most are here for comes first. */
export const FORMATS_OFFERED = ['packed', 'gguf', 'dense'] as const satisfies readonly ExportFormatName[];

const DTYPES: Readonly<Record<ExportDtype, string>> = {
  source: 'As in the source model',
  f16: 'float16',
  f32: 'float32',
  q8_0: '8 bits (Q8_0)',
};

export function dtypeWords(dtype: ExportDtype): string {
  return DTYPES[dtype];
}

/** `GGUF, 8 bits (Q8_0)`; `Packed`. */
export function targetWords({ format, dtype }: ExportTarget): string {
  return format === 'packed'
    ? FORMAT_WORDS[format]
    : `${FORMAT_WORDS[format]}, ${lowerFirst(dtypeWords(dtype))}`;
}

/** What the check after the writing found: `272 tensors read back, exact; perplexity 21.44, as exported 21.44`. */
export function checkWords({ tensors, maxRounding, perplexity: { expected, found } }: ExportCheck): string {
  const rounding = maxRounding === 0 ? 'exact' : `rounded by at most ${maxRounding.toPrecision(2)}`;
  return `${tensors.toLocaleString('en')} tensors read back, ${rounding}; perplexity ${readablePerplexity(found)}, of what was exported ${readablePerplexity(expected)}`;
}

/** `Packed`, `GGUF Q4_K`. */
export function quantizedWords(source: QuantizedSource): string {
  return source.format === 'packed' ? 'Packed' : ['GGUF', source.types[0] ?? ''].join(' ').trim();
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
