/** Which of a repository's files make a model folder. */
import { ClaqError } from '../../../shared/errors.ts';
import { INDEX_FILE } from '../../engine/checkpoint/model-folder.ts';
import type { HubFile } from './content-hash.ts';
import { malformedAnswer } from './hub-refusal.ts';

export const CONFIG_FILE = 'config.json';
const SINGLE_WEIGHTS = 'model.safetensors';

/** Beside config and weights. Vocabularies come in several forms; which of them a tokenizer needs stands in none of the others. */
const COMPANIONS: ReadonlySet<string> = new Set([
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'spiece.model',
  'chat_template.jinja',
  'chat_template.json',
]);
/** Licences ask to travel with the weights. */
const PAPERS = /^(licen[cs]e|notice|use_policy|readme)([._-][\w.-]*)?$/i;
/** Names that every file system takes, with room for an ending. */
export const PORTABLE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$/;
/** The largest published tokenizers have about 35 MB. */
const MAX_COMPANION_BYTES = 256 * 2 ** 20;

const PICKLED = /\.(bin|pt|pth|ckpt)$/;

/** Where the weights of a listing are: in one file, or in the shards that an index names. */
export type WeightsLayout =
  { readonly kind: 'single'; readonly file: HubFile } | { readonly kind: 'sharded'; readonly index: HubFile };

/** A listing that can become a model folder. */
export interface ModelListing {
  /** `owner/name` */
  readonly repository: string;
  readonly config: HubFile;
  readonly weights: WeightsLayout;
  readonly files: ReadonlyMap<string, HubFile>;
}

/**
 * Finds config and weights as a model folder is read: one model.safetensors, else the index of the shards.
 *
 * @throws ClaqError model/not-a-model-folder, weights/pickled, weights/missing-file
 */
export function recognizeModel(repository: string, listed: readonly HubFile[]): ModelListing {
  const files = new Map(listed.map((file) => [file.name, file]));
  const names = [...files.keys()];
  const weights = weightsOf(files);
  if (weights === undefined) throw withoutWeights(repository, names);
  const config = files.get(CONFIG_FILE);
  if (config !== undefined) return { repository, config, weights, files };
  throw new ClaqError('model/not-a-model-folder', `${repository} has no ${CONFIG_FILE}`, {
    where: repository,
    expected: `${CONFIG_FILE}, ${SINGLE_WEIGHTS} (or its shards) and tokenizer.json`,
    found: someOf(names),
    remedy: 'choose the repository of the model itself, in the format of transformers',
  });
}

function weightsOf(files: ReadonlyMap<string, HubFile>): WeightsLayout | undefined {
  const single = files.get(SINGLE_WEIGHTS);
  if (single !== undefined) return { kind: 'single', file: single };
  const index = files.get(INDEX_FILE);
  return index === undefined ? undefined : { kind: 'sharded', index };
}

/**
 * All that is fetched: small files first, in the order of their names, then the weights.
 *
 * @param shards that the index names; empty where there is none
 * @throws ClaqError weights/missing-file, hub/malformed
 */
export function chooseFiles(model: ModelListing, shards: readonly string[]): HubFile[] {
  const { repository, config, weights, files } = model;
  const missing = shards.filter((shard) => !files.has(shard));
  if (missing.length > 0) {
    throw new ClaqError('weights/missing-file', `${repository} lacks weights that its index names`, {
      where: `${repository}/${INDEX_FILE}`,
      expected: someOf(missing),
      found: `only the other ${shards.length - missing.length}`,
      remedy: 'choose another revision, or tell its author',
    });
  }
  const companions = [...files.values()].filter(({ name }) => COMPANIONS.has(name) || PAPERS.test(name));
  const small = [config, ...companions, ...(weights.kind === 'sharded' ? [weights.index] : [])];
  const large =
    weights.kind === 'single' ? [weights.file] : shards.flatMap((shard) => files.get(shard) ?? []);
  const chosen = [...byName(small), ...byName(large)];
  for (const { name, bytes } of small) {
    if (bytes <= MAX_COMPANION_BYTES) continue;
    throw malformedAnswer(`${repository}/${name}`, `at most ${MAX_COMPANION_BYTES} bytes`, `${bytes}`);
  }
  const names = new Set<string>();
  for (const { name } of chosen) {
    // Windows and macOS take a.safetensors and A.safetensors for one file.
    if (!PORTABLE_NAME.test(name) || names.has(name.toLowerCase())) {
      throw malformedAnswer(repository, 'different names of letters, digits, . _ + -', JSON.stringify(name));
    }
    names.add(name.toLowerCase());
  }
  return chosen;
}

function byName(files: readonly HubFile[]): HubFile[] {
  return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function withoutWeights(repository: string, names: readonly string[]): ClaqError {
  const pickled = names.filter((name) => PICKLED.test(name) && name !== 'training_args.bin');
  const foreign = names.filter((name) => name.endsWith('.safetensors') || name.endsWith('.gguf'));
  const expected = `${SINGLE_WEIGHTS}, or ${INDEX_FILE} with its shards`;
  if (pickled.length === 0 || foreign.length > 0) {
    return new ClaqError(
      'weights/missing-file',
      `${repository} has no weights in the format of transformers`,
      {
        where: repository,
        expected,
        found: someOf(foreign),
        remedy:
          'choose the repository of the original model, not of an adapter, a GGUF file or another format',
      },
    );
  }
  return new ClaqError(
    'weights/pickled',
    `The weights of ${repository} are pickled PyTorch files, which can run any code when they are opened`,
    {
      where: repository,
      expected,
      found: someOf(pickled),
      remedy: `convert them once where you trust their origin (pickle runs code when it is read):
    pip install torch transformers safetensors
    python -c "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; s, d = '${repository}', 'NEW-FOLDER'; M.from_pretrained(s, torch_dtype='auto').save_pretrained(d, safe_serialization=True); T.from_pretrained(s).save_pretrained(d)"
  then open NEW-FOLDER`,
    },
  );
}

function someOf(names: readonly string[]): string {
  if (names.length === 0) return 'neither';
  return names.slice(0, 5).join(', ') + (names.length > 5 ? `, ... (${names.length} files)` : '');
}
