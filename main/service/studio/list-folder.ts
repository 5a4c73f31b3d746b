import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import type { FolderListing } from '../../../shared/host.ts';
import { GGUF_SUFFIX } from '../../engine/checkpoint/open-checkpoint.ts';
import { exists } from '../folder-contents.ts';

/** A folder with more is not one to look through by eye. */
const MOST_ENTRIES = 2000;

type Entry = FolderListing['entries'][number];

/**
 * What lies in a folder, folders first, without what is hidden. Throws ClaqError request/invalid where it cannot be read.
 * @param places where to begin, besides the home folder
 */
export async function listFolder(
  folder: string | undefined,
  places: FolderListing['places'],
): Promise<FolderListing> {
  const path = resolve(folder ?? homedir());
  const found = await entriesOf(path);
  const named = found.filter(({ name }) => !name.startsWith('.'));
  named.sort((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()) || a.name.localeCompare(b.name));
  const shown = named.slice(0, MOST_ENTRIES);
  const entries = await Promise.all(shown.map(({ name }) => describeEntry(join(path, name), name)));
  const parent = dirname(path);
  return {
    folder: path,
    parent: parent === path ? null : parent,
    entries: entries.filter((entry) => entry !== undefined),
    truncated: shown.length < named.length,
    places: [{ name: 'Home', path: homedir() }, ...places],
  };
}

async function entriesOf(path: string): Promise<{ name: string; isDirectory(): boolean }[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (cause) {
    throw new ClaqError('request/invalid', 'The folder cannot be read', {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'choose another one',
      cause,
    });
  }
}

/** Undefined for what is neither file nor folder, or cannot be looked at: links to nowhere, sockets. */
async function describeEntry(path: string, name: string): Promise<Entry | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) {
      return { name, path, kind: 'folder', isModel: await isModelFolder(path), bytes: null };
    }
    if (!found.isFile()) return undefined;
    return { name, path, kind: 'file', isModel: name.endsWith(GGUF_SUFFIX), bytes: found.size };
  } catch {
    return undefined;
  }
}

/** As far as names tell. */
async function isModelFolder(path: string): Promise<boolean> {
  if (!(await exists(join(path, 'config.json')))) return false;
  const names = await readdir(path);
  return names.some((name) => name.endsWith('.safetensors'));
}
