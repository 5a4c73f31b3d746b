/** What the user may paste where a repository's name is asked for. */

const NAME = /^[\w.-]+\/[\w.-]+$/;

export interface RepositoryId {
  /** `HuggingFaceTB/SmolLM2-135M-Instruct` */
  readonly repository: string;
  /** Where an address names one: `main` of `.../tree/main`. */
  readonly revision: string | undefined;
}

/** Takes `owner/name` and the page's address; undefined where it is neither. */
export function readRepositoryId(text: string): RepositoryId | undefined {
  const path = text.trim().replace(/^(?:https?:\/\/)?(?:www\.)?(?:huggingface\.co|hf\.co)\//i, '');
  const [owner = '', name = '', kind, ...rest] = path
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
    .split('/');
  const repository = `${owner}/${name}`;
  if (!NAME.test(repository)) return undefined;
  if (kind === undefined) return { repository, revision: undefined };
  const [revision] = rest;
  return kind === 'tree' && revision !== undefined ? { repository, revision } : undefined;
}
