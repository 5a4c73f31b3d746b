import { z } from 'zod';

/**
 * The one error type that crosses layers. `code` is for programs, the details are for people: what was
 * expected, what was found, where, and what to do about it.
 */
export const ERROR_CODES = [
  'request/invalid',
  'model/not-a-model-folder',
  'model/unsupported',
  'model/config-invalid',
  'model/changed',
  'weights/pickled',
  'weights/lfs-pointer',
  'weights/missing-file',
  'weights/missing-tensor',
  'weights/wrong-shape',
  'weights/unsupported-dtype',
  'weights/not-finite',
  'weights/out-of-range',
  'weights/malformed',
  'tokenizer/missing',
  'tokenizer/invalid',
  'tokenizer/does-not-fit',
  /** It works, and a format that is exported to has no equivalent. */
  'tokenizer/unsupported',
  'text/not-found',
  'text/unsupported',
  'text/malformed',
  'text/too-little',
  'budget/out-of-range',
  'budget/cannot-be-met',
  'budget/contradiction',
  /** A budget file that there is not, and one that holds no budget. */
  'budget/not-found',
  'budget/malformed',
  'hessian/not-positive-definite',
  'hessian/not-finite',
  'result/malformed',
  'output/in-use',
  /** The folder holds something that was not made here, or that is in the way. */
  'output/not-empty',
  /** A finished run, which is somebody's result. */
  'output/finished-run',
  /** An unfinished run that was made otherwise, so that it cannot be gone on with. */
  'output/other-run',
  'output/exported-already',
  'output/numbers-taken',
  'output/disk-full',
  'output/not-writable',
  'output/verification-failed',
  'engine/kernel-failed',
  'engine/backend-unavailable',
  'engine/out-of-memory',
  'engine/busy',
  'engine/thread-died',
  'setup/unsupported',
  'setup/python-missing',
  'setup/compiler-missing',
  'setup/package-missing',
  'setup/download-failed',
  'setup/wheel-malformed',
  'setup/build-failed',
  'setup/check-failed',
  'run/cancelled',
  /** The run cannot do that in the state that it is in. */
  'run/wrong-state',
  /** Another process has the library open. */
  'library/in-use',
  /** Nothing of this number is in the library. */
  'library/not-found',
  /** A model or run with work going on. */
  'library/busy',
  /** Written by a later version of the program. */
  'store/newer-version',
  /** Not a library, or one whose content is not what was written. */
  'store/damaged',
  /** What is asked of a model's columns is known once they are measured. */
  'statistics/not-measured',
  'settings/invalid',
  /** An error that is not ours: a fault of the program. */
  'program/fault',
  /** The page of `claq serve` has not been built. */
  'service/died',
  'serve/window-not-built',
  'serve/address-unavailable',
  /** The repository or the revision. */
  'hub/not-found',
  /** Not to be had without a token, or not with this one. */
  'hub/needs-token',
  'hub/unreachable',
  /** What came is not what the hub's list of files says. */
  'hub/changed',
  /** An answer that a hub does not give. */
  'hub/malformed',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ErrorDetails {
  /** File, tensor, option or matrix that the error is about. */
  readonly where?: string;
  readonly expected?: string;
  readonly found?: string;
  /** What the user can do now. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

export class ClaqError extends Error {
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly remedy: string | undefined;

  /** @param summary one sentence, without a full stop, that names what went wrong */
  constructor(code: ErrorCode, summary: string, details: ErrorDetails = {}) {
    super(summary, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ClaqError';
    this.code = code;
    this.where = details.where;
    this.expected = details.expected;
    this.found = details.found;
    this.remedy = details.remedy;
  }
}

/** A ClaqError as plain data, for whoever cannot be given the object: a script, another thread, a window. */
export const plainErrorSchema = z.strictObject({
  code: z.enum(ERROR_CODES),
  message: z.string(),
  where: z.string().optional(),
  expected: z.string().optional(),
  found: z.string().optional(),
  remedy: z.string().optional(),
});
export type PlainError = z.infer<typeof plainErrorSchema>;

/** Everything but the cause, which may be anything. */
export function plainError({ code, message, where, expected, found, remedy }: ClaqError): PlainError {
  return { code, message, where, expected, found, remedy };
}

/** The error that was made plain. */
export function claqError({ code, message, where, expected, found, remedy }: PlainError): ClaqError {
  return new ClaqError(code, message, {
    ...(where === undefined ? {} : { where }),
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** The error as lines for a terminal or a dialog: summary first, then one labelled line a detail. */
export function describeError(error: ClaqError): string[] {
  const labelled: [string, string | undefined][] = [
    ['where', error.where],
    ['expected', error.expected],
    ['found', error.found],
    ['what to do', error.remedy],
  ];
  return [
    error.message,
    ...labelled.flatMap(([label, text]) => (text === undefined ? [] : [`  ${label}: ${text}`])),
  ];
}
