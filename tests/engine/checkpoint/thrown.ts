import { ClaqError } from '../../../shared/errors.ts';

/** The ClaqError that `action` throws. Anything else, or nothing, fails the test. */
export async function thrownBy(action: () => unknown): Promise<ClaqError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof ClaqError) return error;
    throw error;
  }
  throw new Error('expected a ClaqError, and nothing was thrown');
}
