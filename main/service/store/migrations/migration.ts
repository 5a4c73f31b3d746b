/** One step from a version of the library's file to the next. Once it was released it is never edited: another one follows it. */
export interface Migration {
  /** The version that the file has afterwards: one more than before. */
  readonly version: number;
  readonly sql: string;
}
