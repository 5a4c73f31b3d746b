/**
 * Asks llama.cpp about a GGUF file: `node ask.mjs PACKAGES QUESTIONS ANSWERS`, the folder of the installed packages and two JSON
 * files, their content described in ../llama.ts. A program of its own, since llama.cpp ends the process where a file is not what
 * it expects.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, questionsFile, answersFile] = process.argv.slice(2);
const entry = join(packages, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
const { LlamaLogLevel, getLlama } = await import(pathToFileURL(entry).href);
const { path, texts, greedy, windows, logits, cacheType } = JSON.parse(await readFile(questionsFile, 'utf8'));

const messages = [];
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  maxThreads: 2,
  logLevel: LlamaLogLevel.info,
  logger: (level, message) => messages.push({ level, message }),
});
const model = await llama.loadModel({ modelPath: path });
const { tokens, tokenizer } = model;
const answers = {
  tokens: texts.map((text) => model.tokenize(text, true)),
  pieces: texts.map((text) => model.detokenize(model.tokenize(text, true), true)),
  bos: tokens.bos,
  eos: tokens.eos,
  addsBos: tokens.shouldPrependBosToken,
  addsEos: tokens.shouldAppendEosToken,
  metadata: model.fileInfo.metadata.general,
  greedy: [],
  nll: [],
  logits: [],
};

const longest = Math.max(
  1,
  ...greedy.map(({ ids, count }) => ids.length + count),
  ...windows.map((ids) => ids.length),
);
const context = await model.createContext({
  contextSize: longest,
  flashAttention: false,
  experimentalKvCacheKeyType: cacheType,
  experimentalKvCacheValueType: cacheType,
});
const sequence = context.getSequence();

/** Evaluates the ids behind what the sequence holds. */
async function evaluate(ids, wanted) {
  const items = ids.map((id, index) => [id, { generateNext: wanted(index) }]);
  return (await sequence.controlledEvaluate(items)).map((output) => output?.next);
}

for (const { ids, count } of greedy) {
  await sequence.clearHistory();
  const best = { logits: { filter: { tokens: [], includeTop: 1 } } };
  const chosen = [];
  let next = ids;
  while (chosen.length < count) {
    const outputs = await evaluate(next, (index) => (index === next.length - 1 ? best : {}));
    const [token] = [...outputs.at(-1).logits.keys()];
    chosen.push(token);
    next = [token];
  }
  answers.greedy.push(chosen);
}

for (const ids of windows) {
  await sequence.clearHistory();
  const outputs = await evaluate(ids, (index) => ({
    logits: logits || { filter: { tokens: ids.slice(index + 1, index + 2), includeMax: true } },
    totalLogitWeight: true,
  }));
  answers.nll.push(
    ids.slice(1).map((id, index) => {
      const { logits: values, totalLogitWeight } = outputs[index];
      return Math.max(...values.values()) + Math.log(totalLogitWeight) - values.get(id);
    }),
  );
  if (!logits) continue;
  answers.logits.push(
    outputs.map(({ logits: values }) => Array.from({ length: values.size }, (_, id) => values.get(id))),
  );
}

await context.dispose();
await model.dispose();
await llama.dispose();
answers.messages = messages.filter(({ level }) => ['warn', 'error', 'fatal'].includes(level));
await writeFile(answersFile, JSON.stringify(answers));
