/** Our tokens, hidden states, likelihoods and logits of SmolLM2 against those of Hugging Face transformers. */
import * as tf from '@tensorflow/tfjs-core';
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { type SafetensorsFile, openSafetensors } from '../main/engine/checkpoint/safetensors-file.ts';
import { forwardBlock } from '../main/engine/transformer/block.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { BlockWeights } from '../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../main/engine/transformer/embedding.ts';
import { allLogits } from '../main/engine/transformer/head.ts';
import { Positions } from '../main/engine/transformer/positions.ts';
import { tokenLosses } from '../main/engine/transformer/token-losses.ts';
import { readInts, referenceFile } from './reference-data.ts';
import { table } from './report.ts';

/** Tokens whose likelihoods are in the file. */
const TOKENS = 1024;
/** Hidden states of the first positions after these blocks are in the file. */
const CHECKED_BLOCKS = [0, 14];

/** Prints the largest differences on the first tokens of the evaluation text. */
export async function checkForwardPass(
  checkpoint: Checkpoint,
  windows: readonly Int32Array[],
): Promise<void> {
  const file = await openSafetensors(referenceFile('model_check.safetensors'));
  try {
    const theirIds = await readInts(file, 'eval_a.ids');
    const ids = Int32Array.from(windows.flatMap((window) => [...window]));
    const wrong = ids.reduce((count, id, at) => count + (id === theirIds[at] ? 0 : 1), 0);
    const rows = [['token ids', String(ids.length), String(wrong), '']];
    for (const [name, ours, theirs] of await forwardValues(checkpoint, theirIds.slice(0, TOKENS), file)) {
      rows.push([name, String(theirs.length), ...differences(ours, theirs)]);
    }
    table(
      'Forward pass of SmolLM2-135M-Instruct against transformers',
      ['values', 'compared', 'largest difference', 'largest value'],
      rows,
    );
  } finally {
    await file.close();
  }
}

type Compared = readonly [name: string, ours: ArrayLike<number>, theirs: Float32Array];

async function forwardValues(
  checkpoint: Checkpoint,
  ids: Int32Array,
  file: SafetensorsFile,
): Promise<Compared[]> {
  const { model } = checkpoint;
  const compared: Compared[] = [];
  const hidden = await embedSegments(checkpoint, [ids]);
  const positions = new Positions(model, new BatchSizes(ids.length));
  try {
    for (let block = 0; block < model.blocks; block++) {
      const weights = await BlockWeights.load(checkpoint, block);
      hidden.transform(0, (states) => forwardBlock(model, positions.of(ids.length), states, weights));
      weights.dispose();
      if (!CHECKED_BLOCKS.includes(block)) continue;
      const theirs = await file.readFloats(`eval_a.hidden_after_layer${block}_first4pos`);
      compared.push([`hidden states after block ${block}`, hidden.values(0).slice(0, theirs.length), theirs]);
    }
  } finally {
    positions.dispose();
  }
  const losses = await tokenLosses(checkpoint, hidden, [ids]);
  compared.push([
    'negative log-likelihoods',
    losses[0] ?? [],
    await file.readFloats('eval_a.nll_first_1024'),
  ]);
  const last = tf.tensor2d(hidden.values(0).slice(-model.hiddenSize), [1, model.hiddenSize]);
  compared.push([
    'logits of the last token',
    await allLogits(checkpoint, last),
    await file.readFloats('eval_a.last_logits'),
  ]);
  last.dispose();
  return compared;
}

function differences(ours: ArrayLike<number>, theirs: Float32Array): [string, string] {
  let largest = 0;
  let size = 0;
  for (const [at, value] of theirs.entries()) {
    largest = Math.max(largest, Math.abs(value - (ours[at] ?? NaN)));
    size = Math.max(size, Math.abs(value));
  }
  return [largest.toExponential(1), size.toPrecision(3)];
}
