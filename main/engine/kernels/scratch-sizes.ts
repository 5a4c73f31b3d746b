/** How much scratch space the kernels need for a column, as they say themselves. */
export interface ScratchSizes {
  /** Bytes a thread needs for columns of `rows` rows. */
  readonly scratchBytes: (rows: number) => number;
  /** Bytes a thread needs to estimate their errors, at widths up to `width` bits and so many counts of reserved entries. */
  readonly errorScratchBytes: (rows: number, width: number, counts: number) => number;
}

/** Throws TypeError where the module is not that of the kernels. */
export function scratchSizes({ exports }: WebAssembly.Instance): ScratchSizes {
  const { scratchBytes, errorScratchBytes } = exports;
  if (!isSizeFunction(scratchBytes) || !isSizeFunction(errorScratchBytes)) {
    throw new TypeError('the kernels do not say what scratch space they need');
  }
  return { scratchBytes, errorScratchBytes };
}

function isSizeFunction(value: unknown): value is (...counts: number[]) => number {
  return typeof value === 'function';
}
