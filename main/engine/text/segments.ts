import { ClaqError } from '../../../shared/errors.ts';
import type { Corpus } from './corpus.ts';
import type { CorpusDescription, ReadingOptions } from './documents.ts';
import { readDocuments, surveyCorpus } from './documents.ts';
import { JoinedText } from './joined-text.ts';
import type { DrawnSegment, Texts } from './segment-drawing.ts';
import { SegmentDrawing } from './segment-drawing.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** separate: a segment lies inside one document. joined: all documents are one text, with blank lines between them. */
export type DocumentMode = 'separate' | 'joined';

export interface SegmentOptions extends ReadingOptions {
  /** How many segments to draw. */
  readonly segments: number;
  /** Tokens a segment. */
  readonly length: number;
  /** A 32-bit integer. */
  readonly seed: number;
  readonly documents: DocumentMode;
}

export interface CalibrationSegments {
  /** `segments` arrays of `length` token ids, in the order in which they were drawn. */
  readonly segments: Int32Array[];
  /** Where each was cut: the document's number in the corpus (0 in joined mode) and its first token's in it. */
  readonly sources: readonly { readonly document: number; readonly start: number }[];
  /** Token positions of the text that at least one segment covers: fewer than segments x length where they overlap. */
  readonly distinctTokens: number;
  readonly record: SegmentRecord;
}

/** What is recorded of the calibration segments with a run: with the text, it gives the same segments again. */
export interface SegmentRecord {
  readonly corpus: CorpusDescription;
  readonly segments: number;
  readonly length: number;
  readonly seed: number;
  readonly documents: DocumentMode;
}

/**
 * Draws calibration segments as GPTQ and the CLAQ paper do from C4: draw a document, draw again if it is not longer
 * than `length` tokens, cut `length` tokens from a random start. Documents are drawn with replacement. A document's
 * tokens are those of its whole text, BOS included where the model's tokenizer puts one. In joined mode there is one
 * document, all of them joined with blank lines.
 *
 * Throws ClaqError text/too-little where no document is long enough, text/unsupported where the joined text is too long
 * to be tokenized in one piece, and as readDocuments does.
 */
export async function drawSegments(
  corpus: Corpus,
  tokenizer: TextTokenizer,
  options: SegmentOptions,
): Promise<CalibrationSegments> {
  const { segments: count, length, seed, documents } = options;
  const { description, documentBytes } = await surveyCorpus(corpus, options);
  const texts =
    documents === 'joined'
      ? await joinedTexts(corpus, options)
      : separateTexts(corpus, documentBytes, options);
  const drawing = new SegmentDrawing(texts, tokenizer, options);
  while (!drawing.finished) {
    if (drawing.hopeless) throw await tooLittle(texts, tokenizer, options);
    await drawing.round();
  }
  const { drawn } = drawing;
  return {
    segments: drawn.map(({ tokens }) => tokens),
    sources: drawn.map(({ document, start }) => ({ document, start })),
    distinctTokens: countCovered(drawn, length),
    record: { corpus: description, segments: count, length, seed, documents },
  };
}

function separateTexts(corpus: Corpus, bytes: readonly number[], { signal }: SegmentOptions): Texts {
  return {
    where: corpus.paths.join(', '),
    bytes,
    read: () => readDocuments(corpus, { phase: 'Reading the drawn documents', signal }),
  };
}

async function joinedTexts(corpus: Corpus, { signal }: SegmentOptions): Promise<Texts> {
  const documents = readDocuments(corpus, { phase: 'Joining the documents', signal });
  const where = corpus.paths.join(', ');
  const joined = new JoinedText(documents, where);
  try {
    const text = await joined.read(Infinity);
    return { where, bytes: text === '' ? [] : [Buffer.byteLength(text)], read: () => [text] };
  } finally {
    await joined.close();
  }
}

/** Positions covered by at least one segment. Segments of one document overlap where their starts are close. */
function countCovered(drawn: readonly DrawnSegment[], length: number): number {
  const inOrder = drawn.toSorted((a, b) => a.document - b.document || a.start - b.start);
  let covered = 0;
  let last: DrawnSegment | undefined;
  for (const segment of inOrder) {
    const overlaps = last?.document === segment.document;
    covered += overlaps && last !== undefined ? Math.min(length, segment.start - last.start) : length;
    last = segment;
  }
  return covered;
}

/** Counts the tokens there are, as far as it matters: joined, a text of more than `length` tokens would do. */
async function tooLittle(
  texts: Texts,
  tokenizer: TextTokenizer,
  { length, documents, signal }: SegmentOptions,
): Promise<ClaqError> {
  let tokens = 0;
  for await (const text of texts.read()) {
    signal?.throwIfAborted();
    tokens += tokenizer.encode(text, { special: true }).length;
    if (tokens > length) break;
  }
  const joinable = tokens > length;
  const count = documents === 'joined' ? 'the joined text' : countOf(texts.bytes.length, 'document');
  return new ClaqError(
    'text/too-little',
    'There is too little text for calibration segments of this length',
    {
      where: texts.where,
      expected:
        documents === 'joined' ? `more than ${length} tokens` : `a document of more than ${length} tokens`,
      found: joinable
        ? `${count}, none so long, but more than ${length} tokens together`
        : `${countOf(tokens, 'token')} in ${count}`,
      remedy: joinable
        ? 'Join the documents into one text (--join-documents), or take shorter segments (--segment-length)'
        : 'Give more text, or take shorter segments',
    },
  );
}

function countOf(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
