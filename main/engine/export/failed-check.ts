/** How every check of an export says what it has found. */
import { ClaqError } from '../../../shared/errors.ts';

const REMEDY = 'check the disk and run the export again';

/** What `open` gives. Throws ClaqError output/verification-failed where the written model cannot be opened. */
export async function reopened<T>(path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    throw new ClaqError('output/verification-failed', 'The written model cannot be opened', {
      where: cause instanceof ClaqError && cause.where !== undefined ? cause.where : path,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: REMEDY,
      cause,
    });
  }
}

export function mismatch(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('output/verification-failed', 'The written model does not hold what it should', {
    where,
    expected,
    found,
    remedy: REMEDY,
  });
}

/** A value as an error shows it: -0 is not 0 here, and texts are cut. */
export function shown(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
}
