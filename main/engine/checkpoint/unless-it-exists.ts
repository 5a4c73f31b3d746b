import { systemErrorCode } from '../../../shared/system-error.ts';
import { outputErrors } from './atomic-file.ts';

/**
 * Creates a file or folder at `path`; false where something is there already.
 *
 * @throws ClaqError output/disk-full, output/not-writable
 */
export async function unlessItExists(path: string, create: () => Promise<unknown>): Promise<boolean> {
  return outputErrors(path, async () => {
    try {
      await create();
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') return false;
      throw error;
    }
  });
}
