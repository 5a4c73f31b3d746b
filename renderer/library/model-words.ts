/** What the library says of a model. */
import type { ModelCard, ModelSource } from '../../shared/library.ts';
import type { Family } from '../../shared/model.ts';

export const FAMILY_WORDS: Readonly<Record<Family, string>> = {
  llama: 'LLaMA',
  mistral: 'Mistral',
  qwen2: 'Qwen2',
  qwen3: 'Qwen3',
};

/** Where it came from, in a word or two. */
export const SOURCE_WORDS: Readonly<Record<ModelSource['kind'], string>> = {
  folder: 'Folder',
  demo: 'Demo',
  hub: 'Hugging Face',
};

/** The first figures of a commit tell it apart. */
const SHORT_COMMIT = 7;

/** Where it came from, with all that is known: `Qwen/Qwen3-0.6B at 7e27bd9`. */
export function sourceText(source: ModelSource): string {
  switch (source.kind) {
    case 'folder':
      return 'A folder of yours';
    case 'demo':
      return 'Comes with the program';
    case 'hub':
      return `${source.repository} at ${source.commit.slice(0, SHORT_COMMIT)}`;
  }
}

/** What becomes of a model that is removed, and of its runs. */
export function removalText({ complete, open }: ModelCard['runs']): string {
  const all = complete + open;
  if (all === 0) return 'Its files stay where they are.';
  const entries = all === 1 ? 'The entry of its run goes' : `The entries of its ${all} runs go`;
  return `${entries} with it. Files stay where they are: the model’s, and the folders of its runs.`;
}

/** `3 runs`, `1 run`, `No runs yet`. */
export function runsText({ complete, open }: ModelCard['runs']): string {
  const all = complete + open;
  if (all === 0) return 'No runs yet';
  const count = `${all} ${all === 1 ? 'run' : 'runs'}`;
  return open === 0 ? count : `${count}, ${open} not complete`;
}
