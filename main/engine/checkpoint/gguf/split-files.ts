/** GGUF files in parts, `name-00001-of-00003.gguf`: the first has the metadata, each describes the tensors that it holds. */
import { basename, dirname, join } from 'node:path';
import { malformedGguf, unsupportedGguf } from './gguf-errors.ts';
import { openGgufFile } from './gguf-file.ts';
import type { GgufFile } from './gguf-file.ts';

/** The largest models come in some 50 parts, and every part is a file kept open. */
const MAX_PARTS = 1000;

const PART = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/;

/**
 * Opens the file, and where it is a part of several, all of them, in their order; the caller closes them.
 * @param path of any of the parts
 * @throws ClaqError as `openGgufFile`, and weights/malformed where parts do not belong together
 */
export async function openGgufParts(path: string): Promise<readonly GgufFile[]> {
  const file = await openGgufFile(path);
  let count: number;
  try {
    count = partCount(file);
  } catch (error) {
    await file.close();
    throw error;
  }
  if (count === 1) return [file];
  await file.close();
  return await openAll(path, count);
}

export async function closeAll(files: readonly GgufFile[]): Promise<void> {
  for (const file of files) await file.close();
}

function partCount({ path, header }: GgufFile): number {
  const count = header.metadata.count('split.count') ?? 1;
  if (count <= 1) return 1;
  const [, , , named] = PART.exec(basename(path)) ?? [];
  if (count <= MAX_PARTS && Number(named) === count) return count;
  throw unsupportedGguf(path, 'The GGUF file is a part of several and does not have the name of one', {
    expected: `NAME-00001-of-${digits(count)}.gguf, of at most ${MAX_PARTS} parts`,
    found: basename(path),
    remedy: 'give the parts their names again, or join them: llama-gguf-split --merge FIRST-PART NEW-FILE',
  });
}

async function openAll(path: string, count: number): Promise<readonly GgufFile[]> {
  const [, name = ''] = PART.exec(basename(path)) ?? [];
  const files: GgufFile[] = [];
  try {
    for (let part = 0; part < count; part++) {
      const file = join(dirname(path), `${name}-${digits(part + 1)}-of-${digits(count)}.gguf`);
      files.push(await openGgufFile(file));
    }
    refuseOtherParts(files);
    return files;
  } catch (error) {
    await closeAll(files);
    throw error;
  }
}

/** Each part must say that it is that part, and together they must have as many tensors as the first says. */
function refuseOtherParts(files: readonly GgufFile[]): void {
  for (const [part, { path, header }] of files.entries()) {
    const [number, count] = [header.metadata.count('split.no'), header.metadata.count('split.count')];
    if (number === part && count === files.length) continue;
    throw malformedGguf(path, 'The GGUF file is not the part that its name says', {
      expected: `part ${part + 1} of ${files.length}`,
      found: number === undefined ? 'no part of several' : `part ${number + 1} of ${count ?? 1}`,
    });
  }
  const [first] = files;
  const expected = first?.header.metadata.count('split.tensors.count');
  const found = files.reduce((sum, { header }) => sum + header.tensors.size, 0);
  if (first === undefined || expected === undefined || expected === found) return;
  throw malformedGguf(first.path, 'The parts of the GGUF file do not belong together', {
    expected: `${expected} tensors in all of them`,
    found: `${found}`,
  });
}

function digits(part: number): string {
  return String(part).padStart(5, '0');
}
