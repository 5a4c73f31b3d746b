/** The code of an error of the operating system or of Node (`EEXIST`, `ERR_WORKER_OUT_OF_MEMORY`), where it has one. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
