/** What lies in a model's folder: its config and the files that hold its weights. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { optionText } from './config-options.ts';
import { firstDuplicateKey } from './duplicate-keys.ts';
import { refuseLfsPointer } from './safetensors-file.ts';

/** config.json is a few kilobytes, and with long label lists at most a few megabytes. */
const MAX_CONFIG_BYTES = 16 * 2 ** 20;

/** A line of about 100 bytes a tensor: room for 600,000 of them. */
const MAX_INDEX_BYTES = 64 * 2 ** 20;

/** The largest models come in about 200 shards, and every shard is a file kept open. */
const MAX_SHARDS = 1000;

const CONFIG = 'config.json';
const SINGLE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';

const HOW_TO_CONVERT = `convert them once where you trust their origin (pickle runs code when it is read):
    pip install torch transformers safetensors
    python -c "from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; s, d = 'FOLDER', 'NEW-FOLDER'; M.from_pretrained(s, torch_dtype='auto').save_pretrained(d, safe_serialization=True); T.from_pretrained(s).save_pretrained(d)"
  then open NEW-FOLDER`;

export interface WeightFiles {
  /** File names in the folder, in the order of their names. */
  readonly shards: readonly string[];
  /** Which shard holds which tensor, by the index; undefined where a single file holds all. */
  readonly weightMap: ReadonlyMap<string, string> | undefined;
}

/** The text of config.json. Throws ClaqError model/not-a-model-folder, model/config-invalid where it is too large. */
export async function readConfigText(folder: string): Promise<string> {
  const names = await namesIn(folder);
  if (!names.includes(CONFIG)) {
    const gguf = names.find((name) => name.endsWith('.gguf'));
    throw new ClaqError('model/not-a-model-folder', 'The folder is not a Hugging Face model folder', {
      where: folder,
      expected: `${CONFIG}, ${SINGLE} (or its shards) and tokenizer.json`,
      found: gguf === undefined ? `no ${CONFIG}` : `several GGUF files, ${gguf} among them`,
      remedy:
        gguf === undefined
          ? 'choose the folder that holds config.json'
          : 'choose one of the GGUF files itself',
    });
  }
  return await readBounded(join(folder, CONFIG), MAX_CONFIG_BYTES, 'model/config-invalid');
}

/**
 * The weights files, found as transformers does: one model.safetensors, else the shards that the index names.
 * @throws ClaqError weights/pickled, weights/missing-file, weights/malformed for an index that cannot be used.
 */
export async function findWeights(folder: string): Promise<WeightFiles> {
  const names = await namesIn(folder);
  if (names.includes(SINGLE)) return { shards: [SINGLE], weightMap: undefined };
  if (names.includes(INDEX_FILE)) {
    const weightMap = parseIndex(
      await readBounded(join(folder, INDEX_FILE), MAX_INDEX_BYTES, 'weights/malformed'),
      join(folder, INDEX_FILE),
    );
    const shards = [...new Set(weightMap.values())].sort();
    const missing = shards.filter((shard) => !names.includes(shard));
    if (missing.length > 0) throw missingShards(folder, missing, shards.length);
    return { shards, weightMap };
  }
  const pickled = names.filter((name) => /\.(bin|pt|pth|ckpt)$/.test(name) && name !== 'training_args.bin');
  if (pickled.length > 0) {
    throw new ClaqError(
      'weights/pickled',
      'The weights are pickled PyTorch files, which can run any code when they are opened',
      {
        where: folder,
        expected: `${SINGLE} or its shards`,
        found: pickled.slice(0, 3).join(', ') + (pickled.length > 3 ? `, ... (${pickled.length} files)` : ''),
        remedy: HOW_TO_CONVERT,
      },
    );
  }
  throw new ClaqError('weights/missing-file', 'The folder has no weights', {
    where: folder,
    expected: `${SINGLE}, or ${INDEX_FILE} with its shards`,
    found: names.filter((name) => name.endsWith('.safetensors')).join(', ') || 'neither',
    remedy: 'download the model completely',
  });
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Parses the index: tensor name -> shard. Shards are plain file names, so that an index cannot lead out of the folder. */
export function parseIndex(text: string, file: string): ReadonlyMap<string, string> {
  refuseLfsPointer(text, file);
  const malformed = (expected: string, found: string): ClaqError =>
    new ClaqError('weights/malformed', 'The index of the shards is not valid', {
      where: file,
      expected,
      found,
      remedy: 'download the file again',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('JSON', cause instanceof Error ? cause.message : String(cause));
  }
  const parsed = indexSchema.safeParse(value);
  if (!parsed.success)
    throw malformed('{"weight_map": {"tensor name": "shard file"}}', z.prettifyError(parsed.error));
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw malformed('every tensor once', `${optionText(duplicate)} twice`);
  const weightMap = new Map(Object.entries(parsed.data.weight_map));
  if (weightMap.size === 0) throw malformed('the tensors of the model', 'an empty weight_map');
  const shards = new Set(weightMap.values());
  for (const shard of shards) {
    if (!/^[^/\\:\0]+\.safetensors$/.test(shard)) {
      throw malformed('names of .safetensors files in the same folder', optionText(shard));
    }
  }
  if (shards.size > MAX_SHARDS) throw malformed(`at most ${MAX_SHARDS} shards`, `${shards.size}`);
  return weightMap;
}

function missingShards(folder: string, missing: readonly string[], all: number): ClaqError {
  return new ClaqError(
    'weights/missing-file',
    `The model lacks ${missing.length} of its ${all} weights files`,
    {
      where: folder,
      expected: missing.slice(0, 5).join(', ') + (missing.length > 5 ? ', ...' : ''),
      found: `only the other ${all - missing.length}`,
      remedy: 'download the missing files into the folder',
    },
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new ClaqError('model/not-a-model-folder', 'The model folder cannot be opened', {
      where: folder,
      expected: 'a folder with config.json, safetensors weights and tokenizer.json',
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'check the path; a model hub name is not enough, the model must be on this disk',
      cause,
    });
  }
}

async function readBounded(
  file: string,
  limit: number,
  code: 'model/config-invalid' | 'weights/malformed',
): Promise<string> {
  let size: number;
  try {
    ({ size } = await stat(file));
    if (size <= limit) return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ClaqError(code, 'The file cannot be read', {
      where: file,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'check the permissions of the folder and its files',
      cause,
    });
  }
  throw new ClaqError(code, 'The file is larger than such a file can be', {
    where: file,
    expected: `at most ${limit} bytes`,
    found: `${size} bytes`,
    remedy: 'download the file again',
  });
}
