/** llama.cpp loads what was exported, and computes the same. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../../main/engine/checkpoint/checkpoint.ts';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { openGguf } from '../../../../main/engine/checkpoint/gguf/open-gguf.ts';
import { tokenizerText } from '../../../../main/engine/checkpoint/gguf/tokenizer-files.ts';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../../../../main/engine/evaluate/perplexity.ts';
import type { GgufTensorType } from '../../../../main/engine/export/gguf/header.ts';
import { verifyGguf } from '../../../../main/engine/export/gguf/verify-gguf.ts';
import { writeGguf } from '../../../../main/engine/export/gguf/write-gguf.ts';
import { loadTokenizer } from '../../../../main/engine/text/tokenizer.ts';
import { llamaForTests } from '../../../clients/llama.ts';
import type { Answers, Llama } from '../../../clients/llama.ts';
import { FAMILY_MODELS, readExpected } from '../../../golden/families.ts';
import { goldenGguf } from '../../checkpoint/gguf/golden-gguf.ts';
import { temporaryFolder } from '../../checkpoint/temporary-folder.ts';
import { startTestBackend } from '../../tensors/test-backend.ts';
import { DEMO } from '../../text/demo-tokenizer.ts';
import { AWKWARD_TEXTS } from './awkward-texts.ts';
import { smallLlama } from './small-llama.ts';
import { familyWithTokenizer } from './small-tokenizer.ts';
import { choicesOf } from './teacher-forcing.ts';

const SMOLLM2 = fileURLToPath(new URL('../../../../models/SmolLM2-135M-Instruct', import.meta.url));
const isThere = existsSync(join(SMOLLM2, 'model.safetensors'));

const llama = await llamaForTests();
const EXPORTED_WITH = { quantized: () => Promise.resolve(undefined) };

function present(): Llama {
  if ('missing' in llama) throw new Error(llama.missing);
  return llama;
}

async function opened(folder: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(folder);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

/** Writes and verifies a file of the checkpoint. */
async function exported(checkpoint: Checkpoint, type: GgufTensorType): Promise<string> {
  const path = join(await temporaryFolder(), 'model.gguf');
  const request = { checkpoint, type, name: 'a model', ...EXPORTED_WITH };
  await writeGguf(request, path);
  await verifyGguf(request, path);
  return path;
}

const perplexityOf = (nll: readonly (readonly number[])[]): number =>
  Math.exp(nll.flat().reduce((sum, loss) => sum + loss, 0) / nll.flat().length);

beforeAll(startTestBackend);

describe.skipIf('missing' in llama)('llama.cpp', () => {
  it('computes the logits that transformers computes, for every family', async () => {
    const questions = [];
    for (const family of FAMILY_MODELS) {
      const path = await exported(await opened(await familyWithTokenizer(family)), 'F32');
      const { windows } = await readExpected(family);
      questions.push({ path, windows: windows.map((ids) => [...ids]), logits: true });
    }
    const answers = await present().askAll(questions);
    for (const [index, family] of FAMILY_MODELS.entries()) {
      const expected = await readExpected(family);
      const { logits, nll } = answerAt(answers, index);
      // llama.cpp knows no sliding window under the architecture llama: the same up to the 12 tokens that it has here.
      const isSliding = family === 'mistral-sliding';
      const rows = (logits[0] ?? []).slice(0, isSliding ? 12 : undefined);
      const differences = rows.flat().map((logit, at) => Math.abs(logit - (expected.logits[at] ?? NaN)));
      expect({ family, rows: rows.length }).toEqual({ family, rows: isSliding ? 12 : 40 });
      expect(Math.max(...differences)).toBeLessThan(1e-4);
      if (!isSliding) expect(perplexityOf(nll) / expected.perplexity).toBeCloseTo(1, 5);
    }
  });

  it('continues random models of the families by the same tokens', async () => {
    const families = ['llama3', 'llama-linear-rope', 'qwen2', 'qwen3'] as const;
    const begin = [261, 7, 19, 300, 42];
    const checkpoints = [];
    const questions = [];
    for (const family of families) {
      const checkpoint = await opened(await familyWithTokenizer(family));
      checkpoints.push(checkpoint);
      questions.push({ path: await exported(checkpoint, 'F32'), greedy: [{ ids: begin, count: 32 }] });
    }
    const answers = await present().askAll(questions);
    for (const [index, checkpoint] of checkpoints.entries()) {
      const [chosen = []] = answerAt(answers, index).greedy;
      const [choices = []] = await choicesOf(checkpoint, [[...begin, ...chosen]], 32);
      expect(choices.map(({ token }) => token)).toEqual(chosen);
      expect(chosen).toHaveLength(32);
    }
  });

  /** Random models with the tokenizers of the families. */
  const TOKENIZERS: readonly (readonly [
    name: string,
    vocabSize: number,
    definition: () => Promise<string>,
  ])[] = [
    ['llama2', 704, sentencePieceDefinition],
    ['llama3', 768, () => goldenDefinition('llama3')],
    ['qwen2', 768, () => goldenDefinition('qwen2')],
  ];

  it.each(TOKENIZERS)(
    'splits 240 awkward texts as a %s tokenizer does',
    async (name, vocabSize, definition) => {
      const checkpoint = await opened(await smallLlama({ vocabSize, tokenizer: await definition() }));
      const { tokens } = await present().ask({
        path: await exported(checkpoint, 'F16'),
        texts: AWKWARD_TEXTS,
      });
      // llama.cpp normalizes nothing, which Qwen's tokenizer does.
      const isSame = (text: string): boolean => name !== 'qwen2' || text.normalize('NFC') === text;
      expect(AWKWARD_TEXTS.filter(isSame).length).toBeGreaterThan(220);
      await expectOurTokens(checkpoint, tokens, isSame);
    },
  );
});

const MODELS = [
  // Beginnings whose continuations have no near ties, chosen by our own logits: see the margins below.
  {
    name: 'the demo model',
    folder: `${DEMO}/model`,
    beginnings: [4, 5, 7, 9],
    tokens: 8,
    windows: 4,
    margin: 0.05,
  },
  { name: 'SmolLM2-135M', folder: SMOLLM2, beginnings: [7, 8], tokens: 16, windows: 2, margin: 0.05 },
].filter(({ folder }) => folder !== SMOLLM2 || isThere);

describe.skipIf('missing' in llama).each(MODELS)('llama.cpp with $name', (model) => {
  it.each(['F16', 'Q8_0'] as const)('agrees in %s', async (type) => {
    const source = await opened(model.folder);
    const tokenizer = await loadTokenizer(source);
    const text = await readFile(`${DEMO}/evaluation.txt`, 'utf8');
    const ids = [...tokenizer.encode(text.slice(0, 20_000), { special: false })];
    const greedy = model.beginnings.map((at) => ({
      ids: ids.slice(at * 131, at * 131 + model.tokens),
      count: 32,
    }));
    const windows = Array.from({ length: model.windows }, (_, at) => ids.slice(at * 256, (at + 1) * 256));
    const path = await exported(source, type);
    const answers = await present().ask({ path, texts: AWKWARD_TEXTS, greedy, windows });
    expect(answers.messages).toEqual([]);
    await expectOurContinuation(path, greedy, answers, model.margin);
    const ours = await evaluatePerplexity({
      checkpoint: source,
      windows: windows.map((window) => Int32Array.from(window)),
    });
    expect(Math.abs(perplexityOf(answers.nll) / ours.perplexity - 1)).toBeLessThan(0.005);
    await expectOurTokens(source, answers.tokens);
  });
});

async function expectOurTokens(
  checkpoint: Checkpoint,
  tokens: readonly (readonly number[])[],
  isSame: (text: string) => boolean = () => true,
): Promise<void> {
  const tokenizer = await loadTokenizer(checkpoint);
  expect(tokens).toHaveLength(240);
  for (const [index, text] of AWKWARD_TEXTS.entries()) {
    if (!isSame(text)) continue;
    const ids = [...tokenizer.encode(text, { special: false })];
    expect({ text, ids: tokens[index] }).toEqual({ text, ids });
  }
}

/**
 * What llama.cpp chose is what our own forward pass on the written weights chooses. llama.cpp rounds what it multiplies weights with
 * (to half precision, to 8 bits with Q8_0), so that near ties may fall otherwise: there must be none.
 */
async function expectOurContinuation(
  path: string,
  greedy: readonly { readonly ids: readonly number[] }[],
  answers: Answers,
  margin: number,
): Promise<void> {
  const written = await openGguf(path);
  const sequences = greedy.map(({ ids }, index) => [...ids, ...(answers.greedy[index] ?? [])]);
  const choices = await choicesOf(written, sequences, 32);
  await written.close();
  for (const [index, steps] of choices.entries()) {
    expect(Math.min(...steps.map((step) => step.margin))).toBeGreaterThan(margin);
    expect(steps.map(({ token }) => token)).toEqual(answers.greedy[index]);
  }
}

async function sentencePieceDefinition(): Promise<string> {
  const file = await openGgufFile(goldenGguf('tokenizer-sentencepiece.gguf'));
  await file.close();
  return tokenizerText(file.header.metadata);
}

async function goldenDefinition(name: string): Promise<string> {
  return await readFile(
    new URL(`../../../golden/tokenizers/${name}/tokenizer.json`, import.meta.url),
    'utf8',
  );
}

function answerAt(answers: readonly Answers[], index: number): Answers {
  const answer = answers[index];
  if (answer === undefined) throw new Error(`no answer ${index}`);
  return answer;
}
