import { expect, it } from 'vitest';
import type { CompanionFiles } from '../../main/engine/checkpoint/checkpoint.ts';
import { type CardFacts, modelCard, sourceCard } from '../../main/service/model-card.ts';
import type { RunRecord } from '../../shared/run-record.ts';
import { completeRecord } from './preflight/complete-record.ts';

function companions(files: Readonly<Record<string, string>>): CompanionFiles {
  return {
    names: Object.keys(files).sort(),
    read: (name) =>
      Promise.resolve(files[name] === undefined ? undefined : new TextEncoder().encode(files[name])),
  };
}

async function facts(
  files: Readonly<Record<string, string>>,
  changes: Partial<CardFacts> = {},
): Promise<CardFacts> {
  return {
    target: { format: 'packed', dtype: 'source' },
    sourceName: 'SmolLM2-135M',
    quantizedBefore: undefined,
    source: await sourceCard(companions(files)),
    record: undefined,
    perplexity: { windows: 2, contextLength: 256, expected: 21.4371, found: 21.4372 },
    program: 'claq-studio 0.1.0',
    ...changes,
  };
}

const LICENSED = {
  'README.md': '---\nlanguage: en\nlicense: apache-2.0\ntags:\n- x\n---\n# SmolLM2\n',
  LICENSE: '',
};

it('carries the licence that the source names on, in the front matter and in words', async () => {
  const card = modelCard(await facts(LICENSED));
  expect(card.split('\n').slice(0, 6)).toEqual([
    '---',
    'license: apache-2.0',
    'tags:',
    '- claq',
    '- quantized',
    '---',
  ]);
  expect(card).toContain("The source model's: apache-2.0. Its text: LICENSE.");
  expect(card).toContain('# SmolLM2-135M, quantized by CLAQ');
  expect(card).toContain('Perplexity on 2 windows of 256 tokens: 21.437, of what was exported 21.437.');
});

it.each([
  [
    'license: other\nlicense_name: llama3\nlicense_link: https://a.example/L',
    "The source model's: [llama3](https://a.example/L).",
  ],
  ['license:\n  - mit\n  - apache-2.0', "The source model's: mit, apache-2.0."],
  ['license: "cc by: 4"', "The source model's: cc by: 4."],
])('carries it on as it is spelled: %s', async (front, words) => {
  const files = { 'README.md': `---\n${front}\n---\n` };
  const { source } = await facts(files);
  const card = modelCard(await facts(files));
  expect(card).toContain(words);
  expect((await sourceCard(companions({ 'README.md': card }))).licence).toEqual(source.licence);
});

it.each(['license: [', 'license: 3', 'license:', '- a list'])('makes nothing of %s', async (front) => {
  const { source } = await facts({ 'README.md': `---\n${front}\n---\n` });
  expect(source.licence).toBeUndefined();
});

it('says that the source had been quantized before', async () => {
  const record = completeRecord({ segments: 8, length: 512, timing: {}, windows: 4 });
  const quantizedBefore = { format: 'gguf', types: ['Q4_K', 'Q6_K'] } as const;
  const card = modelCard(await facts(LICENSED, { record, quantizedBefore }));
  expect(card).toContain('The weights in this GGUF file are quantized (Q4_K, Q6_K).');
  expect(modelCard(await facts(LICENSED, { record }))).not.toContain('are quantized (');
});

it('says that nothing is known of a licence, instead of making one up', async () => {
  const card = modelCard(await facts({ 'README.md': '# no front matter\nlicense: mit\n' }));
  expect(card).not.toContain('license:');
  expect(card).toContain("The source model's, which its folder does not name.");
});

it('has the settings and figures of the run', async () => {
  const record = completeRecord({ segments: 8, length: 512, timing: {}, windows: 4 });
  const card = modelCard(await facts(LICENSED, { record, target: { format: 'gguf', dtype: 'q8_0' } }));
  expect(card).toContain(`| Budget | ${record.settings.budget} |`);
  expect(card).toContain(`| Stored bits | ${record.result?.storedBits.toFixed(3) ?? ''} a weight |`);
  expect(card).toContain(
    `| Calibration | ${record.calibration.segments} segments of ${record.calibration.length} tokens`,
  );
  expect(card).toContain('llama-cli -m FILE.gguf');
});

it('says what CLAQ+ did', async () => {
  const plain = completeRecord({ segments: 8, length: 512, timing: {}, windows: 4 });
  expect(modelCard(await facts(LICENSED, { record: plain }))).not.toContain('Beyond the paper');
  const record: RunRecord = {
    ...plain,
    settings: {
      ...plain.settings,
      plus: { techniques: ['asymmetric', 'sweeps'], strength: 'auto', sweeps: 3 },
    },
    result: plain.result && { ...plain.result, strength: 0.25 },
  };
  const card = modelCard(await facts(LICENSED, { record }));
  expect(card).toContain('| Beyond the paper | asymmetric, sweeps |\n');
  expect(card).toContain('| Strength of corrections | 0.25 |\n| Sweeps | 3 |\n');
});

it('quotes the card of a packed model that is exported on', async () => {
  const record = completeRecord({ segments: 8, length: 512, timing: {}, windows: 4 });
  const first = modelCard(await facts(LICENSED, { record }));
  const second = modelCard(
    await facts({ 'README.md': first }, { target: { format: 'dense', dtype: 'f16' } }),
  );
  expect(second).toContain('Made from a packed model, whose card says:');
  expect(second).toContain(`> | Budget | ${record.settings.budget} |`);
  expect(second.split('\n')[1]).toBe('license: apache-2.0');
});
