/** The library as tables for a terminal. */
import type { ModelCard, ModelSource } from '../../shared/library.ts';
import {
  readableBytes,
  readableCount,
  readableDuration,
  readablePerplexity,
} from '../../shared/readable-quantities.ts';
import { readableTime } from '../../shared/readable-time.ts';
import type { RunCard } from '../../shared/runs.ts';
import { plainTable } from './plain-table.ts';

/** The first figures of a commit tell it apart. */
const SHORT_COMMIT = 7;

/** @param dataFolder of the library, which is named where it is empty */
export function modelsText(models: readonly ModelCard[], dataFolder: string): string {
  if (models.length === 0) {
    return `No models in the library of ${dataFolder} yet. Add one:
  claq models add FOLDER            a model that is on the disk
  claq models download OWNER/NAME   one of Hugging Face's
`;
  }
  const table = plainTable(
    ['id', 'name', 'family', 'parameters', 'size', 'perplexity', 'runs', 'from', 'folder'],
    ['right', 'left', 'left', 'right', 'right', 'right', 'left', 'left', 'left'],
  );
  for (const model of models) {
    table.push([
      String(model.id),
      model.name,
      model.description.family,
      readableCount(model.parameters),
      `${readableBytes(model.bytes)} ${model.dtype}`,
      model.baseline === null ? '' : readablePerplexity(model.baseline.perplexity),
      runsOf(model),
      sourceText(model.source),
      model.missing ? `${model.folder} (not there now)` : model.folder,
    ]);
  }
  return `${table.toString()}\n`;
}

/** What was looked through for runs: a library, or what it has of one model. */
export interface RunsAsked {
  readonly dataFolder: string;
  /** Name of the model. */
  readonly of?: string;
}

export function runsText(runs: readonly RunCard[], { dataFolder, of }: RunsAsked): string {
  if (runs.length === 0) {
    return `No runs ${of === undefined ? '' : `of ${of} `}in the library of ${dataFolder} yet:
  claq runs add FOLDER   takes in a run of claq quantize
  claq serve             opens the page that starts and watches runs
`;
  }
  const table = plainTable(
    ['id', 'model', 'budget', 'state', 'matrices', 'bits', 'perplexity', 'size', 'time', 'ended', 'folder'],
    ['right', 'left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'left', 'left'],
  );
  for (const run of runs) {
    const { figures } = run;
    table.push([
      String(run.id),
      run.modelName,
      run.method === 'claq' ? run.budget : `${run.budget}, ${run.method}`,
      stateText(run),
      `${run.matricesDone} of ${run.matricesTotal}`,
      figures === null ? '' : figures.storedBits.toFixed(2),
      perplexities(figures),
      figures === null ? '' : readableBytes(figures.packedBytes),
      figures === null ? '' : readableDuration(figures.seconds),
      run.endedAt === null ? '' : readableTime(run.endedAt),
      run.folder,
    ]);
  }
  return `${[table.toString(), ...waitingLines(runs)].join('\n')}\n`;
}

/** `2`, `2, 1 not complete`; nothing where there are none. */
function runsOf({ runs: { complete, open } }: ModelCard): string {
  if (complete + open === 0) return '';
  return open === 0 ? String(complete) : `${complete + open}, ${open} not complete`;
}

/** `Qwen/Qwen3-0.6B at 7e27bd9` */
function sourceText(source: ModelSource): string {
  return source.kind === 'hub'
    ? `${source.repository} at ${source.commit.slice(0, SHORT_COMMIT)}`
    : source.kind;
}

/** `waiting, 2 before it`, `failed: The disk is full`, `complete`. */
function stateText({ state, ahead, error }: RunCard): string {
  if (state === 'queued')
    return ahead === null || ahead === 0 ? 'waiting, next' : `waiting, ${ahead} before it`;
  return error === null ? state : `${state}: ${error.message}`;
}

/** Before and after: `19.62 -> 24.10`. */
function perplexities(figures: RunCard['figures']): string {
  if (figures === null) return '';
  const { before, after } = figures;
  return [before, after]
    .flatMap((figure) => (figure === null ? [] : [readablePerplexity(figure.perplexity)]))
    .join(' -> ');
}

/** Nobody is at them: whoever lists them has the library to itself. */
function waitingLines(runs: readonly RunCard[]): string[] {
  if (!runs.some(({ state }) => state === 'queued')) return [];
  return ['', 'Waiting runs begin when CLAQ Studio is open: claq serve.'];
}
