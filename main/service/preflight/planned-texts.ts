/** The texts of a run, as far as their files' sizes tell of them. */
import { ClaqError } from '../../../shared/errors.ts';
import type { QuantizeChoices } from '../../../shared/requests.ts';
import type { TokenRuns } from '../../../shared/run-work.ts';
import { type Corpus, openCorpus } from '../../engine/text/corpus.ts';
import { BUNDLED_CALIBRATION, BUNDLED_EVALUATION } from '../bundled-texts.ts';

/** Read at first for each token of an evaluation (windows.ts). */
const BYTES_PER_TOKEN = 6;

export interface PlannedTexts {
  /** Bytes that are held at a time, at most. */
  readonly held: number;
  readonly faults: readonly ClaqError[];
}

/** Finds the texts. What cannot be found, cannot be read, or is too small whatever the tokenizer makes of it is a fault. */
export async function plannedTexts(
  { calibration, evaluation }: Pick<QuantizeChoices, 'calibration' | 'evaluation'>,
  segments: TokenRuns,
  windows: TokenRuns,
): Promise<PlannedTexts> {
  const faults: ClaqError[] = [];
  const held = [0];
  const look = async (source: string, runs: TokenRuns, heldOf: (corpus: Corpus) => number): Promise<void> => {
    try {
      const corpus = await openCorpus([source]);
      requireText(corpus, runs.length);
      held.push(heldOf(corpus));
    } catch (error) {
      if (!(error instanceof ClaqError)) throw error;
      faults.push(error);
    }
  };
  await look(calibration.source ?? BUNDLED_CALIBRATION, segments, (corpus) =>
    calibration.joinDocuments ? bytesOf(corpus) : largestDocument(corpus),
  );
  if (windows.count > 0) {
    await look(evaluation.source ?? BUNDLED_EVALUATION, windows, (corpus) =>
      Math.min(bytesOf(corpus), windows.count * windows.length * BYTES_PER_TOKEN),
    );
  }
  return { held: Math.max(...held), faults };
}

/** No tokenizer makes two tokens of a byte. */
function requireText(corpus: Corpus, length: number): void {
  const bytes = bytesOf(corpus);
  const isPacked = corpus.files.some(({ format }) => format === 'gzipped-json-lines' || format === 'parquet');
  if (isPacked || bytes >= length) return;
  throw new ClaqError('text/too-little', 'There is too little text', {
    where: corpus.paths.join(', '),
    expected: `at least ${length} tokens`,
    found: `${bytes} bytes`,
    remedy: 'give more text, or take a shorter length',
  });
}

function bytesOf({ files }: Corpus): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

/** A plain file is one document; of the others' documents the sizes are not known before they are read. */
function largestDocument({ files }: Corpus): number {
  return files.reduce((most, { format, size }) => (format === 'plain' ? Math.max(most, size) : most), 0);
}
