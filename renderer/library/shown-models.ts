/** Which models the library shows, and in which order. */
import type { ModelCard } from '../../shared/library.ts';
import type { RunFigures } from '../../shared/run-record.ts';
import type { RunCard } from '../../shared/runs.ts';
import { FAMILY_WORDS, SOURCE_WORDS } from './model-words.ts';

export const MODEL_ORDERS = [
  { value: 'added', label: 'Last added' },
  { value: 'name', label: 'Name' },
  { value: 'parameters', label: 'Parameters' },
  { value: 'runs', label: 'Runs' },
] as const;
export type ModelOrder = (typeof MODEL_ORDERS)[number]['value'];

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

const COMPARE: Readonly<Record<ModelOrder, (a: ModelCard, b: ModelCard) => number>> = {
  added: (a, b) => (a.addedAt < b.addedAt ? 1 : a.addedAt > b.addedAt ? -1 : b.id - a.id),
  name: (a, b) => collator.compare(a.name, b.name),
  parameters: (a, b) => b.parameters - a.parameters,
  runs: (a, b) => b.runs.complete + b.runs.open - a.runs.complete - a.runs.open,
};

/** The models in which all words of the search occur: in the name, the folder, the family or the source. */
export function shownModels(
  models: readonly ModelCard[],
  search: string,
  order: ModelOrder,
): readonly ModelCard[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = models.filter((model) => {
    const text = [
      model.name,
      model.folder,
      FAMILY_WORDS[model.description.family],
      SOURCE_WORDS[model.source.kind],
      model.source.kind === 'hub' ? model.source.repository : '',
    ]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return matches.sort(COMPARE[order]);
}

/** A complete run whose perplexity was measured. */
export type MeasuredRun = RunCard & {
  readonly figures: RunFigures & { readonly after: NonNullable<RunFigures['after']> };
};

function isMeasured(run: RunCard): run is MeasuredRun {
  return run.figures !== null && run.figures.after !== null;
}

/** Texts and windows have to be the same before two perplexities may be compared. */
function protocolOf({ figures: { after } }: MeasuredRun): string {
  return [after.protocol, after.textSha256, after.contextLength, after.windows].join(' ');
}

/**
 * The runs worth having: no other has fewer stored bits and a lower perplexity (the Pareto front), among those that were
 * measured as the latest was. Fewest bits first.
 * @param runs of one model, latest first
 */
export function bestRuns(runs: readonly RunCard[], atMost: number): readonly MeasuredRun[] {
  const measured = runs.filter(isMeasured);
  const protocol = measured[0] === undefined ? undefined : protocolOf(measured[0]);
  const comparable = measured
    .filter((run) => protocolOf(run) === protocol)
    .sort(
      (a, b) =>
        a.figures.storedBits - b.figures.storedBits ||
        a.figures.after.perplexity - b.figures.after.perplexity,
    );
  let lowest = Infinity;
  const front = comparable.filter((run) => {
    const isBetter = run.figures.after.perplexity < lowest;
    if (isBetter) lowest = run.figures.after.perplexity;
    return isBetter;
  });
  return front.slice(0, atMost);
}
