import { outputErrors } from '../engine/checkpoint/atomic-file.ts';

/** The operating system's code of an error (`EEXIST`), where it has one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

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
