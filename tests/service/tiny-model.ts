/** The bundled demo model cut to a block or two: real weights, tokenizer and text, quantized in a second. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { openCheckpoint } from '../../main/engine/checkpoint/open-checkpoint.ts';
import { bytesPerElement } from '../../main/engine/checkpoint/safetensors-dtype.ts';
import { DEMO_MODEL } from '../../main/service/bundled-texts.ts';
import { shardName, type SmallTensor, writeIndex, writeTensors } from '../engine/checkpoint/small-model.ts';

const configSchema = z.record(z.string(), z.unknown());

/** Texts so short that a run takes a second. */
export const QUICK_TEXTS = {
  calibration: { segments: 4, segmentLength: 128 },
  evaluation: { windows: 2, contextLength: 128 },
} as const;

export interface TinyModel {
  readonly blocks?: number;
  /** Weights files; one by default. */
  readonly shards?: number;
  /** Laid over config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Changes the tensors before they are written. */
  readonly change?: (tensors: SmallTensor[]) => SmallTensor[];
}

/** Writes the model into `folder`, which it makes, and returns the folder. */
export async function writeTinyModel(
  folder: string,
  { blocks = 1, shards = 1, config = {}, change = (tensors) => tensors }: TinyModel = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json']) {
    await copyFile(join(DEMO_MODEL, file), join(folder, file));
  }
  const demo = configSchema.parse(JSON.parse(await readFile(join(DEMO_MODEL, 'config.json'), 'utf8')));
  const cut = { ...demo, num_hidden_layers: blocks, ...config };
  await writeFile(join(folder, 'config.json'), JSON.stringify(cut, undefined, 2));
  const tensors = change(await firstTensors(blocks));
  if (shards === 1) {
    await writeTensors(join(folder, 'model.safetensors'), tensors);
    return folder;
  }
  const weightMap: Record<string, string> = {};
  const perShard = Math.ceil(tensors.length / shards);
  for (let shard = 0; shard < shards; shard++) {
    const part = tensors.slice(shard * perShard, (shard + 1) * perShard);
    await writeTensors(join(folder, shardName(shard, shards)), part);
    for (const { name } of part) weightMap[name] = shardName(shard, shards);
  }
  await writeIndex(folder, weightMap);
  return folder;
}

/** The demo model's tensors without the blocks from `blocks` on. */
async function firstTensors(blocks: number): Promise<SmallTensor[]> {
  const checkpoint = await openCheckpoint(DEMO_MODEL);
  try {
    const tensors: SmallTensor[] = [];
    for (const { name, dtype, shape } of checkpoint.tensors.values()) {
      const block = /^model\.layers\.(\d+)\./.exec(name)?.[1];
      if (block !== undefined && Number(block) >= blocks) continue;
      const length = bytesPerElement(dtype) * shape.reduce((product, size) => product * size, 1);
      tensors.push({ name, dtype, shape, bytes: await checkpoint.readBytes(name, 0, length) });
    }
    return tensors;
  } finally {
    await checkpoint.close();
  }
}
