import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import { weightFiles } from '../../engine/checkpoint/open-checkpoint.ts';

/**
 * Tells whether a model's weights are the files that they were, by names, sizes and times of the last change: cheap enough to
 * ask each time. Files that were only touched count as others; what was measured of them is measured again.
 *
 * @throws ClaqError what finding the weights throws, and weights/missing-file
 */
export async function filesKey(model: string): Promise<string> {
  const files = await Promise.all((await weightFiles(model)).map(identity));
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

async function identity(path: string): Promise<string[]> {
  try {
    const { size, mtimeNs } = await stat(path, { bigint: true });
    return [basename(path), String(size), String(mtimeNs)];
  } catch (cause) {
    throw new ClaqError('weights/missing-file', 'A weights file cannot be read', {
      where: path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'download the missing files into the folder',
      cause,
    });
  }
}
