import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';

/** The formats of text files, by the end of the file's name. The C4 shards are called `.json.gz` and hold JSON lines. */
const FORMATS = {
  '.txt': 'plain',
  '.jsonl': 'json-lines',
  '.jsonl.gz': 'gzipped-json-lines',
  '.json.gz': 'gzipped-json-lines',
  '.parquet': 'parquet',
} as const;

export type CorpusFormat = (typeof FORMATS)[keyof typeof FORMATS];

const SUPPORTED = Object.keys(FORMATS).join(', ');

export interface CorpusFile {
  readonly path: string;
  readonly format: CorpusFormat;
  /** Size on disk, in bytes. */
  readonly size: number;
}

/** Files of text in their fixed order. Nothing of them has been read yet. */
export interface Corpus {
  /** As the caller gave them: files or directories. */
  readonly paths: readonly string[];
  readonly files: readonly CorpusFile[];
  /** Files in the directories whose names say that they are not text in a known format. */
  readonly skipped: readonly string[];
}

/**
 * Finds the files of a corpus. A directory stands for the files under it, sorted by name (by code unit, so that the
 * order does not depend on the system's language); hidden files and linked directories in it are passed over.
 *
 * Throws ClaqError text/not-found, text/unsupported.
 */
export async function openCorpus(paths: readonly string[]): Promise<Corpus> {
  const files: CorpusFile[] = [];
  const skipped: string[] = [];
  for (const path of paths) {
    const entry = await inspect(path);
    if (!entry.isDirectory()) {
      files.push({ path, format: formatNamedBy(path), size: entry.size });
      continue;
    }
    const before = files.length;
    for await (const { file, size } of filesUnder(path)) {
      const format = formatOf(file);
      if (format === undefined) skipped.push(file);
      else files.push({ path: file, format, size });
    }
    if (files.length === before) throw nothingUsable(path, skipped.length);
  }
  return { paths, files, skipped };
}

async function inspect(path: string): Promise<{ isDirectory(): boolean; size: number }> {
  try {
    return await stat(path);
  } catch (cause) {
    throw new ClaqError('text/not-found', 'The text cannot be found', {
      where: path,
      expected: `a file (${SUPPORTED}) or a directory of such files`,
      found: cause instanceof Error ? cause.message : 'nothing',
      remedy: 'Check the path',
      cause,
    });
  }
}

async function* filesUnder(directory: string): AsyncGenerator<{ file: string; size: number }> {
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.filter(isVisible).sort(byName)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* filesUnder(path);
      continue;
    }
    // Hugging Face's cache holds links to files: those are followed. A linked directory could lead in a circle.
    const target = await inspect(path);
    if (!target.isDirectory()) yield { file: path, size: target.size };
  }
}

function isVisible(entry: Dirent): boolean {
  return !entry.name.startsWith('.');
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

function formatOf(path: string): CorpusFormat | undefined {
  const name = path.toLowerCase();
  for (const [ending, format] of Object.entries(FORMATS)) if (name.endsWith(ending)) return format;
  return undefined;
}

function formatNamedBy(path: string): CorpusFormat {
  const format = formatOf(path);
  if (format !== undefined) return format;
  throw new ClaqError('text/unsupported', 'Text in this format cannot be read', {
    where: path,
    expected: SUPPORTED,
    found: /(?:\.[^./\\]+)+$/.exec(path)?.[0] ?? 'a name without an extension',
    remedy: 'Convert the text, for example to JSON lines with a field `text`',
  });
}

function nothingUsable(directory: string, skipped: number): ClaqError {
  return new ClaqError('text/unsupported', 'The directory holds no text that can be read', {
    where: directory,
    expected: `files ending in ${SUPPORTED}`,
    found: skipped === 0 ? 'no files' : `${skipped} ${skipped === 1 ? 'file' : 'files'} of other kinds`,
    remedy: 'Name a directory or a file with text',
  });
}
