/** What an export consists of, whatever program it is for: files to write, and the check of what was written. */
import type { OnProgress } from '../../../shared/progress.ts';

/** Told of each tensor when its turn comes; throws ClaqError run/cancelled once the export is called off. */
export type OnTensor = (name: string) => void;

/** A large file of an export, written whole: one that an earlier, interrupted export finished is kept. */
export interface PlannedFile {
  readonly name: string;
  /** What the disk must have room for. */
  readonly bytes: number;
  readonly tensors: number;
  /** Writes it into the folder, atomically. */
  write(folder: string, onTensor: OnTensor): Promise<void>;
}

export interface CheckHooks {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a check of every tensor found; differences beyond the format's rounding are errors. */
export interface TensorReport {
  readonly tensors: number;
  /** Bytes of all tensors, headers not counted. */
  readonly bytes: number;
  /** Largest |stored - given|: what rounding to the format cost, 0 where every value is one of the format's. */
  readonly maxRounding: number;
}

export interface ExportFormat {
  readonly files: readonly PlannedFile[];
  /** Writes the small files beside them; each time anew. */
  writeSmallFiles(folder: string): Promise<void>;
  /** Opens the folder by the reader of its format and compares every tensor. Throws ClaqError output/verification-failed, run/cancelled. */
  verify(folder: string, hooks: CheckHooks): Promise<TensorReport>;
}
