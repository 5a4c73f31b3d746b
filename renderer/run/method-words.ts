/** Names of the choices of a run, and a line on each for whoever does not know it. */
import type { EngineChoice, ForwardPrecision } from '../../shared/engine.ts';
import type { CodebookFit, ColumnOrder, Method } from '../../shared/method.ts';
import type { PlusTechnique } from '../../shared/plus.ts';

export interface ChoiceWords {
  readonly label: string;
  readonly meaning: string;
}

/** `brief` is for tables. */
export const METHOD_WORDS: Readonly<Record<Method, ChoiceWords & { readonly brief: string }>> = {
  claq: {
    label: 'CLAQ',
    brief: 'CLAQ',
    meaning:
      'A codebook a column, errors carried on; more bits and kept outliers for the columns where they pay most.',
  },
  'claq-plus': {
    label: 'CLAQ+',
    brief: 'CLAQ+',
    meaning: 'Beyond the paper: a lower perplexity for the same bytes. Takes two to three times as long.',
  },
  reference: {
    label: 'Reference',
    brief: 'Reference',
    meaning: 'The choices of the authors’ code: scikit-learn’s K-Means, columns by outlier ratio. Slower.',
  },
  gptq: {
    label: 'GPTQ',
    brief: 'GPTQ',
    meaning: 'A baseline: a uniform grid with one width for all, errors carried on.',
  },
  rtn: {
    label: 'Round to nearest',
    brief: 'RTN',
    meaning: 'A baseline: a uniform grid, each weight by itself. Fast, and the worst.',
  },
};

export const PLUS_WORDS: Readonly<Record<PlusTechnique, ChoiceWords>> = {
  allocation: {
    label: 'Bits over the whole model',
    meaning: 'Every column gets 1 to 8 bits and kept entries where they pay most; matrices too.',
  },
  'row-scales': {
    label: 'Row scales',
    meaning: 'Rows are divided by their size, so that a codebook serves them all.',
  },
  'row-sensitivity': {
    label: 'Row sensitivity',
    meaning: 'Rows whose outputs the model’s loss feels more have more say in a codebook.',
  },
  'byte-codebooks': {
    label: 'Codebooks in bytes',
    meaning: 'Centroids of up to 4 bits take a byte, not two: smaller, or more bits for the same size.',
  },
  'error-reservation': {
    label: 'Kept by error',
    meaning: 'Kept are the entries that a codebook serves worst, not a column’s extremes.',
  },
  asymmetric: {
    label: 'Inputs as they have become',
    meaning: 'A matrix makes up for inputs that have drifted from the original model’s.',
  },
  residual: {
    label: 'Residual stream',
    meaning: 'What attention and FFN add makes up for the drift of the stream that they add to.',
  },
  sweeps: { label: 'Sweeps', meaning: 'Columns are decided once more, now that all others are known.' },
};

export const COLUMN_ORDER_WORDS: Readonly<Record<ColumnOrder, ChoiceWords>> = {
  benefit: { label: 'By benefit', meaning: 'Bits go to the columns where they lower the loss most.' },
  outlier: {
    label: 'By outliers',
    meaning: 'Bits go to the columns with the most outliers, as in the paper.',
  },
};

export const CODEBOOK_FIT_WORDS: Readonly<Record<CodebookFit, ChoiceWords>> = {
  kept: { label: 'Coded entries', meaning: 'Reserved entries have no say in a column’s codebook.' },
  all: { label: 'Whole column', meaning: 'Reserved entries count as well.' },
};

export const ENGINE_WORDS: Readonly<Record<EngineChoice, string>> = {
  auto: 'The fastest that runs here',
  'tensorflow-gpu': 'TensorFlow on a GPU',
  'tensorflow-cpu': 'TensorFlow on the CPU',
  wasm: 'WebAssembly',
};

export const PRECISION_WORDS: Readonly<Record<ForwardPrecision, string>> = {
  float32: 'float32',
  bfloat16: 'bfloat16',
  float16: 'float16',
};
