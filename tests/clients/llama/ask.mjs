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

let messages = [];
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  // Its threads wait for each other by spinning, which is slow where others want the processor too.
  maxThreads: 1,
  logLevel: LlamaLogLevel.warn,
  logger: (level, message) => messages.push({ level, message: message.trim() }),
});

async function answer({ path, texts, greedy, windows, logits, cacheType }) {
  messages = [];
  const model = await llama.loadModel({ modelPath: path });
  const { tokens } = model;
  const answers = {
    tokens: texts.map((text) => model.tokenize(text, true)),
    bos: tokens.bos,
    eos: tokens.eos,
    addsBos: tokens.shouldPrependBosToken,
    addsEos: tokens.shouldAppendEosToken,
    messages: [...messages],
    greedy: [],
    nll: [],
    logits: [],
  };
  const lengths = [
    ...greedy.map(({ ids, count }) => ids.length + count),
    ...windows.map(({ length }) => length),
  ];
  if (lengths.length > 0) {
    const context = await model.createContext({
      // Where it is full, the binding drops what came first.
      contextSize: Math.max(...lengths) + 8,
      flashAttention: false,
      experimentalKvCacheKeyType: cacheType,
      experimentalKvCacheValueType: cacheType,
    });
    const sequence = context.getSequence();
    for (const { ids, count } of greedy) answers.greedy.push(await continued(sequence, ids, count));
    for (const ids of windows) {
      const rows = await evaluated(sequence, ids, logits);
      answers.nll.push(ids.slice(1).map((id, index) => rows[index].nll(id)));
      if (logits) answers.logits.push(rows.map((row) => row.all()));
    }
    await context.dispose();
  }
  await model.dispose();
  return answers;
}

/** The likeliest token, `count` times. */
async function continued(sequence, ids, count) {
  await sequence.clearHistory();
  const likeliest = { generateNext: { logits: { filter: { tokens: [], includeTop: 1 } } } };
  const chosen = [];
  let next = ids;
  while (chosen.length < count) {
    const items = next.map((id, index) => (index === next.length - 1 ? [id, likeliest] : id));
    const outputs = await sequence.controlledEvaluate(items);
    const [token] = outputs.at(-1).next.logits.keys();
    chosen.push(token);
    next = [token];
  }
  return chosen;
}

/** What the model says after each token. */
async function evaluated(sequence, ids, all) {
  await sequence.clearHistory();
  const wanted = (index) =>
    all || { filter: { tokens: ids.slice(index + 1, index + 2), includeMax: true, includeTop: 1 } };
  const outputs = await sequence.controlledEvaluate(
    ids.map((id, index) => [id, { generateNext: { logits: wanted(index), totalLogitWeight: true } }]),
  );
  return outputs.map(({ next: { logits, totalLogitWeight } }) => ({
    nll: (id) => Math.max(...logits.values()) + Math.log(totalLogitWeight) - logits.get(id),
    all: () => Array.from({ length: logits.size }, (_, id) => logits.get(id)),
  }));
}

const answers = [];
for (const questions of JSON.parse(await readFile(questionsFile, 'utf8')))
  answers.push(await answer(questions));
await llama.dispose();
await writeFile(answersFile, JSON.stringify(answers));
