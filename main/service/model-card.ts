/** README.md of an export: what the model is, how it was made and what it came to, in the form that hubs read. */
import { basename } from 'node:path';
import { stringify } from 'yaml';
import type { ComparedPerplexity, ExportTarget } from '../../shared/exports.ts';
import type { QuantizedSource } from '../../shared/library.ts';
import { quantizedRemark } from '../../shared/quantized-remark.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import type { PerplexityFigure, RunRecord } from '../../shared/run-record.ts';
import { type Licence, cardLicence } from '../engine/checkpoint/card-licence.ts';
import type { CompanionFiles } from '../engine/checkpoint/checkpoint.ts';
import { MODEL_CARD_FILE, companionText } from '../engine/checkpoint/companion-files.ts';

export interface CardFacts {
  readonly target: ExportTarget;
  /** Name of the model that was quantized. */
  readonly sourceName: string;
  /** What it was stored as where it had been quantized before; undefined where it had not. */
  readonly quantizedBefore: QuantizedSource | undefined;
  /** What the source's own card says of itself. */
  readonly source: SourceCard;
  /** Undefined where a packed model was exported on: its card is what is known. */
  readonly record: RunRecord | undefined;
  readonly perplexity: ComparedPerplexity;
  readonly program: string;
}

export interface SourceCard {
  readonly licence: Licence | undefined;
  /** Files with its text. */
  readonly licenceFiles: readonly string[];
  /** The whole card where it was written by this program. */
  readonly ownCard: string | undefined;
}

/** First line below the front matter of the cards that are written here. */
const MARK = '<!-- Written by CLAQ Studio. -->';

export async function sourceCard(companions: CompanionFiles): Promise<SourceCard> {
  const text = (await companionText(companions, MODEL_CARD_FILE)) ?? '';
  const [, body] = text.split(MARK);
  return {
    licence: await cardLicence(companions),
    licenceFiles: companions.names.filter((name) => /^licen[cs]e/i.test(name)),
    ownCard: body?.trim(),
  };
}

/** How each format is used. */
const USES: Readonly<Record<ExportTarget['format'], readonly string[]>> = {
  dense: [
    'A Hugging Face folder with the weights dequantized: it loads wherever the original loads, and is as large.',
    '',
    '```python',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    'model = AutoModelForCausalLM.from_pretrained("FOLDER")',
    'tokenizer = AutoTokenizer.from_pretrained("FOLDER")',
    '```',
  ],
  gguf: [
    'One GGUF file with the weights dequantized, for llama.cpp and the programs built on it.',
    '',
    '```sh',
    'llama-cli -m FILE.gguf -p "Once upon a time"',
    '```',
  ],
  packed: [
    'The weights stay packed: codes of a few bits, a codebook for every column, and some entries as they were. `modeling_claq.py` decodes',
    'them with PyTorch when a layer runs; `model.dequantize()` gives the dense model.',
    '',
    '```python',
    'from transformers import AutoModelForCausalLM, AutoTokenizer',
    'model = AutoModelForCausalLM.from_pretrained("FOLDER", trust_remote_code=True)',
    'tokenizer = AutoTokenizer.from_pretrained("FOLDER", trust_remote_code=True)',
    '```',
  ],
};

/** The card's text. Nothing in it depends on where or when it was written. */
export function modelCard(facts: CardFacts): string {
  const { target, sourceName, quantizedBefore, source, record, perplexity } = facts;
  return [
    '---',
    ...frontOf(source.licence),
    'tags:',
    '- claq',
    '- quantized',
    '---',
    '',
    MARK,
    '',
    `# ${sourceName}, quantized by CLAQ`,
    '',
    ...USES[target.format],
    '',
    ...(record === undefined ? convertedFrom(source) : recordLines(record)),
    ...(record === undefined || quantizedBefore === undefined ? [] : [quantizedRemark(quantizedBefore), '']),
    '## Check',
    '',
    `After it was written the model was opened again and every tensor compared. Perplexity on ${perplexity.windows} windows of ` +
      `${perplexity.contextLength} tokens: ${perplexity.found.toFixed(3)}, of what was exported ${perplexity.expected.toFixed(3)}. ` +
      '`sha256sum --check SHA256SUMS` tells whether the files are still these.',
    '',
    '## Licence',
    '',
    licenceLine(source),
    '',
    `Made with ${facts.program}, after *CLAQ: Pushing the Limits of Low-Bit Post-Training Quantization for LLMs* (arXiv 2405.17233).`,
    '',
  ].join('\n');
}

function convertedFrom({ ownCard }: SourceCard): string[] {
  if (ownCard === undefined) return ['Made from a packed model.', ''];
  return [
    'Made from a packed model, whose card says:',
    '',
    ...ownCard.split('\n').map((line) => `> ${line}`),
    '',
  ];
}

function recordLines({ settings, calibration, result, program }: RunRecord): string[] {
  const { method, budget, columnOrder, outlierS, percdamp, actOrder, seed } = settings;
  const rows: [string, string][] = [
    ['Method', method],
    ['Budget', budget],
    ...(columnOrder === null ? [] : [['Column order', columnOrder] satisfies [string, string]]),
    ...plusRows(settings.plus, result?.strength),
    ['Outlier threshold S', String(outlierS)],
    ['Damping', `${percdamp}${actOrder ? ', columns by descending activation' : ''}`],
    [
      'Calibration',
      `${calibration.segments} segments of ${calibration.length} tokens, seed ${seed}, ` +
        `text sha256 ${calibration.corpus.sha256.slice(0, 12)} (${calibration.corpus.paths.map((path) => basename(path)).join(', ')})`,
    ],
    ['Quantized by', program],
  ];
  if (result !== null) {
    rows.push(
      ['Nominal bits', `${result.nominalBits.toFixed(3)} a weight`],
      ['Stored bits', `${result.storedBits.toFixed(3)} a weight`],
      [
        'Matrices',
        `${readableBytes(result.packedBytes)} packed, ${readableBytes(result.sourceBytes)} in the source`,
      ],
      ['Perplexity before', perplexityText(result.before)],
      ['Perplexity after', perplexityText(result.after)],
    );
  }
  return [
    '## How it was made',
    '',
    '| | |',
    '|---|---|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
  ];
}

/** @param strength that was made of the corrections, where there were any */
function plusRows(
  plus: RunRecord['settings']['plus'],
  strength: number | undefined,
): [name: string, value: string][] {
  if (plus === undefined) return [];
  const { techniques, sweeps, bytes } = plus;
  return [
    ['Beyond the paper', techniques.length === 0 ? 'nothing' : techniques.join(', ')],
    ...(bytes === undefined
      ? []
      : [['Allocated to all matrices', readableBytes(bytes)] satisfies [string, string]]),
    ...(strength === undefined
      ? []
      : [['Strength of corrections', String(strength)] satisfies [string, string]]),
    ...(techniques.includes('sweeps') ? [['Sweeps', String(sweeps)] satisfies [string, string]] : []),
  ];
}

function perplexityText(figure: PerplexityFigure | null): string {
  if (figure === null) return 'not measured';
  const { perplexity, windows, contextLength, text } = figure;
  return `${perplexity.toFixed(3)} (${windows} windows of ${contextLength} tokens of ${basename(text)})`;
}

/** In YAML, as the source has it. */
function frontOf(licence: Licence | undefined): string[] {
  if (licence === undefined) return [];
  const { ids, name, link } = licence;
  const front = { license: ids.length === 1 ? ids[0] : ids, license_name: name, license_link: link };
  return stringify(front, { lineWidth: 0 }).trimEnd().split('\n');
}

function licenceLine({ licence, licenceFiles }: SourceCard): string {
  const files = licenceFiles.length === 0 ? '' : ` Its text: ${licenceFiles.join(', ')}.`;
  if (licence !== undefined) {
    const { ids, name, link } = licence;
    const named = name ?? ids.join(', ');
    return `The source model's: ${link === undefined ? named : `[${named}](${link})`}.${files}`;
  }
  if (files !== '') return `The source model's.${files}`;
  return "The source model's, which its folder does not name. Look it up before you pass this model on.";
}
