/** The files beside the weights of a Hugging Face folder: what describes the model, and what a tokenizer, a chat or a lawyer needs. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import type { CompanionFiles } from './checkpoint.ts';

export const CONFIG_FILE = 'config.json';
export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';
/** The source's model card: where its licence is named. Not carried along: an export has a card of its own. */
export const MODEL_CARD_FILE = 'README.md';

/** What an export takes along as it is. */
const CARRIED = new Set([
  TOKENIZER_FILE,
  TOKENIZER_CONFIG_FILE,
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
  'generation_config.json',
]);
const LEGAL = /^(licen[cs]e|notice)/i;

/** The largest published tokenizer.json (vocabularies of 260,000 tokens) have about 35 MB. */
const MAX_COMPANION_BYTES = 256 * 2 ** 20;

/** Whether an export takes the file along unchanged. */
export function isCarried(fileName: string): boolean {
  return CARRIED.has(fileName) || isLegal(fileName);
}

/** A licence, or a notice. */
export function isLegal(fileName: string): boolean {
  return LEGAL.test(fileName);
}

function isCompanion(fileName: string): boolean {
  return fileName === CONFIG_FILE || fileName === MODEL_CARD_FILE || isCarried(fileName);
}

/** Throws what the system throws where the folder cannot be listed. */
export async function folderCompanions(folder: string): Promise<CompanionFiles> {
  const entries = await readdir(folder);
  return {
    names: entries.filter(isCompanion).sort(),
    read: (name) => readCompanion(join(folder, name)),
  };
}

async function readCompanion(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    if (found.size > MAX_COMPANION_BYTES) {
      throw unreadable(path, `${found.size} bytes`, `a file of at most ${MAX_COMPANION_BYTES} bytes`);
    }
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    if (cause instanceof ClaqError) throw cause;
    if (systemErrorCode(cause) === 'ENOENT') return undefined;
    throw unreadable(
      path,
      cause instanceof Error ? cause.message : String(cause),
      'a file that can be read',
      cause,
    );
  }
}

/** UTF-8 text of a companion; undefined where there is none. */
export async function companionText(files: CompanionFiles, name: string): Promise<string | undefined> {
  const bytes = await files.read(name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function unreadable(where: string, found: string, expected: string, cause?: unknown): ClaqError {
  return new ClaqError('model/config-invalid', 'A file of the model cannot be read', {
    where,
    expected,
    found,
    remedy: 'check the permissions of the folder, or download the file again',
    cause,
  });
}
