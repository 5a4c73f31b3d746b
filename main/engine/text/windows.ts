import { ClaqError } from '../../../shared/errors.ts';
import type { Corpus } from './corpus.ts';
import type { CorpusDescription, ReadingOptions } from './documents.ts';
import { describeCorpus, readDocuments } from './documents.ts';
import { JoinedText } from './joined-text.ts';
import type { TextTokenizer } from './tokenizer.ts';

export interface WindowOptions extends ReadingOptions {
  /** Tokens a window. */
  readonly length: number;
  /** At most so many windows, from the start of the text; all that there are where it is undefined. */
  readonly limit?: number | undefined;
}

export interface EvaluationWindows {
  /** Arrays of `length` token ids. */
  readonly windows: Int32Array[];
  readonly record: WindowRecord;
}

/** What is recorded of the evaluation windows beside a perplexity. */
export interface WindowRecord {
  readonly corpus: CorpusDescription;
  readonly windows: number;
  readonly length: number;
}

/** Read at first for each token wanted, in UTF-16 units: English has 4 to 5. */
const UNITS_PER_TOKEN = 6;

/** The last tokens of a text depend on its end: blanks and punctuation there may be split in another way than inside. */
const EDGE_TOKENS = 64;

/**
 * The windows of the GPTQ protocol: all documents joined with blank lines, tokenized as one text (BOS once, at the
 * front, where the model's tokenizer puts one), cut into consecutive windows of `length` tokens; what is left at the end
 * is dropped. Under a limit, only as much of the text is tokenized as is needed.
 *
 * Throws ClaqError text/too-little where there is not one whole window, text/unsupported where the text is too long to
 * be tokenized in one piece, and as readDocuments does.
 */
export async function evaluationWindows(
  corpus: Corpus,
  tokenizer: TextTokenizer,
  options: WindowOptions,
): Promise<EvaluationWindows> {
  const { length, limit = Infinity } = options;
  const description = await describeCorpus(corpus, options);
  const tokens = await tokenizeFrom(corpus, tokenizer, length * limit, options);
  const count = Math.min(limit, Math.floor(tokens.length / length));
  if (count === 0) throw tooLittle(corpus, tokens.length, length);
  const windows = Array.from({ length: count }, (_, i) => tokens.slice(i * length, (i + 1) * length));
  return { windows, record: { corpus: description, windows: count, length } };
}

/** The first tokens of the joined text: `wanted` at least, or all there are. */
async function tokenizeFrom(
  corpus: Corpus,
  tokenizer: TextTokenizer,
  wanted: number,
  { signal }: WindowOptions,
): Promise<Int32Array> {
  const documents = readDocuments(corpus, { phase: 'Joining the documents', signal });
  const joined = new JoinedText(documents, corpus.paths.join(', '));
  try {
    for (let units = wanted * UNITS_PER_TOKEN; ; units *= 2) {
      const text = await joined.read(units);
      const end = lineEnd(text, units);
      signal?.throwIfAborted();
      const tokens = tokenizer.encode(text.slice(0, end), { special: true });
      if (tokens.length >= wanted + EDGE_TOKENS || (joined.whole && end === text.length)) return tokens;
    }
  } finally {
    await joined.close();
  }
}

/**
 * Where the line ends that reaches `units`. No tokenizer's token spans a line end and a word after it: a text that is
 * cut there has the first tokens of the whole text, but for the edge.
 */
function lineEnd(text: string, units: number): number {
  if (units >= text.length) return text.length;
  const boundary = /\n(?=\S)/g;
  boundary.lastIndex = units;
  return boundary.test(text) ? boundary.lastIndex : text.length;
}

function tooLittle(corpus: Corpus, tokens: number, length: number): ClaqError {
  return new ClaqError('text/too-little', 'There is too little text to evaluate on', {
    where: corpus.paths.join(', '),
    expected: `at least ${length} tokens, one window`,
    found: `${tokens} tokens`,
    remedy: 'Give more text, or take a shorter context',
  });
}
