import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { ClaqError } from '../../../shared/errors.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** The texts that segments are drawn from, to be read from the first as often as needed. */
export interface Texts {
  /** For errors: the paths that they come from. */
  readonly where: string;
  /** UTF-8 bytes of each. */
  readonly bytes: readonly number[];
  read(): Iterable<string> | AsyncIterable<string>;
}

export interface DrawnSegment {
  /** The document's number, and the number of the segment's first token in it. */
  readonly document: number;
  readonly start: number;
  readonly tokens: Int32Array;
}

export interface DrawingOptions {
  readonly segments: number;
  readonly length: number;
  readonly seed: number;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Draw {
  readonly document: number;
  /** How far into the document the segment starts: in [0, 1), of the starts that are possible. */
  readonly fraction: number;
}

/** A round's draws where nothing is known yet, for each segment wanted: a text file's first document mostly is long. */
const FIRST_DRAWS = 4;
/** After a round without a single long document the next one is so many times larger. */
const GROWTH = 16;
/** Draws beyond those that the share of long documents so far asks for: a further pass costs more. */
const SURPLUS = 1.25;
/** What a round's draws take in memory stays small beside the segments. */
const LARGEST_ROUND = 2 ** 20;

/**
 * Draws segments from texts too many to be tokenized or held: a C4 shard has 356,317 documents, of which 3 in 100 have
 * more than 2048 tokens.
 *
 * A draw is a document's number and a fraction, taken from the seeded generator in turn; it counts if its document has
 * more than `length` tokens. So the draws that count, and with them the segments, depend on text, tokenizer and seed
 * alone, and a round can look at many draws in one pass over the texts: it tokenizes the documents drawn and keeps
 * nothing but the segments. A document that turned out short, or has fewer bytes than `length` (a token stands for a
 * byte at least), is not looked at again.
 */
export class SegmentDrawing {
  readonly #texts: Texts;
  readonly #tokenizer: TextTokenizer;
  readonly #options: DrawingOptions;
  readonly #random: ReturnType<typeof xoroshiro128plus>;
  /** 1 for a document known to be too short. */
  readonly #short: Uint8Array;
  #unsettled: number;
  readonly #drawn: DrawnSegment[] = [];
  #nextRound: number;

  constructor(texts: Texts, tokenizer: TextTokenizer, options: DrawingOptions) {
    this.#texts = texts;
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#random = xoroshiro128plus(options.seed);
    this.#short = Uint8Array.from(texts.bytes, (bytes) => (bytes < options.length ? 1 : 0));
    this.#unsettled = this.#short.reduce((count, short) => count + 1 - short, 0);
    this.#nextRound = FIRST_DRAWS * options.segments;
  }

  /** The segments so far, in the order of their draws. */
  get drawn(): readonly DrawnSegment[] {
    return this.#drawn;
  }

  get finished(): boolean {
    return this.#drawn.length >= this.#options.segments;
  }

  /** Whether every document is known to be too short. */
  get hopeless(): boolean {
    return this.#unsettled === 0;
  }

  /** One pass over the texts. Must not be called when hopeless. */
  async round(): Promise<void> {
    const { segments } = this.#options;
    const draws = this.#takeDraws(Math.min(this.#nextRound, LARGEST_ROUND));
    const cut = await this.#cutSegments(draws);
    for (const draw of draws) {
      const segment = cut.get(draw);
      if (segment !== undefined && !this.finished) this.#drawn.push(segment);
    }
    const missing = segments - this.#drawn.length;
    const drawsNeeded =
      cut.size === 0 ? draws.length * GROWTH : (missing * draws.length * SURPLUS) / cut.size;
    this.#nextRound = Math.ceil(drawsNeeded);
  }

  /** The next draws of documents that are not known to be short. Others are draws too, whose answer is known. */
  #takeDraws(count: number): Draw[] {
    const draws: Draw[] = [];
    while (draws.length < count) {
      const document = uniformInt(this.#random, 0, this.#short.length - 1);
      const fraction = uniformFloat64(this.#random);
      if (this.#short[document] === 0) draws.push({ document, fraction });
    }
    return draws;
  }

  async #cutSegments(draws: readonly Draw[]): Promise<Map<Draw, DrawnSegment>> {
    const { length, signal } = this.#options;
    const drawsOf = Map.groupBy(draws, (draw) => draw.document);
    const cut = new Map<Draw, DrawnSegment>();
    let seen = 0;
    let document = 0;
    for await (const text of this.#texts.read()) {
      const here = drawsOf.get(document);
      if (here !== undefined) {
        signal?.throwIfAborted();
        const tokens = this.#tokenizer.encode(text, { special: true });
        if (tokens.length <= length) this.#settle(document);
        else for (const draw of here) cut.set(draw, cutSegment(draw, tokens, length));
        this.#report(cut.size);
        seen += 1;
        if (seen === drawsOf.size) break;
      }
      document += 1;
    }
    if (seen < drawsOf.size) throw changedMeanwhile(this.#texts.where);
    return cut;
  }

  #settle(document: number): void {
    this.#short[document] = 1;
    this.#unsettled -= 1;
  }

  #report(cut: number): void {
    const { segments, length, onProgress } = this.#options;
    const done = Math.min(segments, this.#drawn.length + cut) * length;
    onProgress?.({ phase: 'Drawing calibration segments', done, total: segments * length, unit: 'tokens' });
  }
}

/** As in GPTQ's loader, the last token is never part of a segment: starts are 0 to tokens - length - 1. */
function cutSegment({ document, fraction }: Draw, tokens: Int32Array, length: number): DrawnSegment {
  const start = Math.floor(fraction * (tokens.length - length));
  return { document, start, tokens: tokens.slice(start, start + length) };
}

function changedMeanwhile(where: string): ClaqError {
  return new ClaqError('text/malformed', 'The text changed while it was being read', {
    where,
    expected: 'as many documents as at first',
    found: 'fewer',
    remedy: 'Start again when nothing else writes to the files',
  });
}
