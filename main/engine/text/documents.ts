import { createHash } from 'node:crypto';
import { ClaqError } from '../../../shared/errors.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { Corpus, CorpusFile } from './corpus.ts';
import { readJsonLines } from './json-lines.ts';
import { readParquet } from './parquet.ts';
import { readPlainText } from './plain-text.ts';

export interface ReadingOptions {
  /** Name of the phase in which all of the text is read for the first time. */
  readonly phase?: string;
  /** Told about the corpus' files, in bytes on disk. */
  readonly onProgress?: OnProgress | undefined;
  /** An abort ends the reading with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What is recorded of a corpus with every run: enough to tell whether two runs saw the same text. */
export interface CorpusDescription {
  readonly paths: readonly string[];
  readonly files: number;
  /** Files in the directories that are not text. */
  readonly skipped: number;
  /** Over all documents in order, each as its length in bytes (8 bytes, little-endian) and its UTF-8. */
  readonly sha256: string;
  readonly documents: number;
  /** Of the documents as UTF-8. */
  readonly bytes: number;
}

/** What one look at every document tells. */
export interface CorpusSurvey {
  readonly description: CorpusDescription;
  /** UTF-8 bytes of each document, in order. */
  readonly documentBytes: readonly number[];
}

/** Between two reports of progress, in bytes of the corpus' files. */
const REPORT_BYTES = 2 ** 22;

/** A reader of one format: the documents in order; `onBytes` is told how many bytes of the file are behind. */
type ReadFormat = (file: CorpusFile, onBytes: (bytes: number) => void) => AsyncGenerator<string>;

const READERS: Readonly<Record<CorpusFile['format'], ReadFormat>> = {
  plain: readPlainText,
  'json-lines': readJsonLines,
  'gzipped-json-lines': readJsonLines,
  parquet: readParquet,
};

/**
 * All documents of the corpus, one after the other: only one (for Parquet, one row group) is in memory at a time.
 * Throws ClaqError text/malformed, and text/not-found where a file has gone.
 */
export async function* readDocuments(
  corpus: Corpus,
  options: ReadingOptions & { phase: string },
): AsyncGenerator<string> {
  const { phase, onProgress, signal } = options;
  const total = corpus.files.reduce((sum, file) => sum + file.size, 0);
  let before = 0;
  let reported = -REPORT_BYTES;
  const report = (done: number, detail: string): void => {
    if (done - reported < REPORT_BYTES && done < total) return;
    reported = done;
    onProgress?.({ phase, done: Math.min(done, total), total, unit: 'bytes', detail });
  };
  for (const file of corpus.files) {
    try {
      for await (const text of READERS[file.format](file, (bytes) => report(before + bytes, file.path))) {
        signal?.throwIfAborted();
        yield text;
      }
    } catch (cause) {
      throw unreadable(file.path, cause);
    }
    before += file.size;
  }
}

/** A system's error becomes one about the text; all others, an abort's reason among them, stay what they are. */
function unreadable(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('syscall' in cause)) return cause;
  return new ClaqError('text/not-found', 'The text cannot be read', {
    where: path,
    expected: 'a file that can be read',
    found: cause.message,
    remedy: 'Check the path and its permissions',
    cause,
  });
}

/** Reads the whole corpus once: its hash and how long each document is. Throws as readDocuments does. */
export async function surveyCorpus(corpus: Corpus, options: ReadingOptions = {}): Promise<CorpusSurvey> {
  const hash = createHash('sha256');
  const length = Buffer.alloc(8);
  const documentBytes: number[] = [];
  let bytes = 0;
  for await (const text of readDocuments(corpus, { phase: 'Reading the text', ...options })) {
    const utf8 = Buffer.from(text, 'utf8');
    length.writeBigUInt64LE(BigInt(utf8.byteLength));
    hash.update(length).update(utf8);
    documentBytes.push(utf8.byteLength);
    bytes += utf8.byteLength;
  }
  const { paths, files, skipped } = corpus;
  const counts = { files: files.length, skipped: skipped.length, documents: documentBytes.length, bytes };
  return { description: { paths, ...counts, sha256: hash.digest('hex') }, documentBytes };
}

/** The record of a corpus that goes into a run's record. Throws as readDocuments does. */
export async function describeCorpus(
  corpus: Corpus,
  options: ReadingOptions = {},
): Promise<CorpusDescription> {
  return (await surveyCorpus(corpus, options)).description;
}
