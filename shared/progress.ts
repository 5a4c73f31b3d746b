/** Progress of long work: what the engine tells, the service passes on, and a window, terminal or script shows. */
export const PROGRESS_UNITS = ['tokens', 'matrices', 'bytes', 'tensors', 'documents', 'steps'] as const;

export interface Progress {
  /** One verb phrase, the same for the whole phase: "Evaluating the original model". */
  readonly phase: string;
  /** Work done and to do in the phase's own unit; `total` is known from the start. */
  readonly done: number;
  readonly total: number;
  readonly unit: (typeof PROGRESS_UNITS)[number];
  /** What is being worked on right now, for example a matrix's name. */
  readonly detail?: string;
}

export type OnProgress = (progress: Progress) => void;
