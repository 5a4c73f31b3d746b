/** H = U D U^T for the columns in their order of processing, U unit upper triangular. Shared by the matrices of a group. */
export interface FactoredColumns {
  readonly columns: number;
  readonly paddedColumns: number;
  /** Column at each position of processing. */
  readonly order: Int32Array;
  /** diag(H) by the column's own index, undamped. */
  readonly diagonal: Float64Array;
  /** 1 for columns whose inputs were always zero; their weights become zero. */
  readonly dead: Uint8Array;
  /** D by the column's own index; 0 for dead columns, whose errors cost nothing. */
  readonly sensitivity: Float64Array;
  /** Share of the mean diagonal that was added to the diagonal. More than asked for where that was not enough. */
  readonly damping: number;
}
