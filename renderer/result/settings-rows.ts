/** The choices that made a run, in words; what nobody chose is said as what it came to. */
import { dtypeWords } from '../exports/export-words.ts';
import { ENGINE_DEFAULTS } from '../../shared/requests.ts';
import { hasUniformGrid } from '../../shared/method.ts';
import { type PlusChoices, hasTechnique, plusChoicesSchema, followsOriginal } from '../../shared/plus.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';
import type { RunDetail } from '../../shared/runs.ts';
import {
  CODEBOOK_FIT_WORDS,
  COLUMN_ORDER_WORDS,
  ENGINE_WORDS,
  METHOD_WORDS,
  PLUS_WORDS,
} from '../run/method-words.ts';

export type SettingsRow = readonly [label: string, value: string];

export function settingsRows({ choices, budget, engine, figures }: RunDetail): SettingsRow[] {
  const { method, calibration, evaluation } = choices;
  const order = choices.columnOrder ?? (method === 'reference' ? 'outlier' : 'benefit');
  const fit = choices.codebookFit ?? (method === 'reference' ? 'all' : 'kept');
  const length = calibration.segmentLength;
  const plus = method === 'claq-plus' ? (choices.plus ?? plusChoicesSchema.parse({})) : undefined;
  const allocates = plus !== undefined && hasTechnique(plus, 'allocation');
  const rows: (SettingsRow | undefined)[] = [
    ['Method', METHOD_WORDS[method].label],
    ['Budget', budget],
    hasUniformGrid(method)
      ? [
          'Columns that share a scale',
          choices.groupSize === undefined ? 'the whole row' : String(choices.groupSize),
        ]
      : allocates
        ? ['Bits go', 'over the whole model']
        : ['Bits go to columns', COLUMN_ORDER_WORDS[order].label.toLowerCase()],
    ...(plus === undefined ? [] : plusRows(plus, figures?.strength)),
    hasUniformGrid(method)
      ? undefined
      : ['Codebooks are fitted on', CODEBOOK_FIT_WORDS[fit].label.toLowerCase()],
    ['S of the outliers', String(choices.outlierS)],
    ['Damping', String(choices.percdamp)],
    ['Order by activations', choices.actOrder ? 'yes' : 'no'],
    ['Calibration text', calibration.source ?? 'the default text'],
    [
      'Calibration',
      `${calibration.segments} segments${length === undefined ? '' : ` of ${length.toLocaleString('en')} tokens`}, seed ${calibration.seed}${calibration.joinDocuments ? ', over documents’ ends' : ''}`,
    ],
    [
      'Evaluation',
      evaluation.windows === 0
        ? 'none'
        : `${evaluation.windows} windows of ${evaluation.source ?? 'the bundled text'}`,
    ],
    ['Engine', engine ?? ENGINE_WORDS[choices.engine ?? ENGINE_DEFAULTS.engine]],
    ['Forward pass', choices.forwardPrecision ?? ENGINE_DEFAULTS.forwardPrecision],
    ['Threads', choices.threads === undefined ? 'all cores' : String(choices.threads)],
    choices.hostMemory === undefined ? undefined : ['Memory for activations', `${choices.hostMemory} GB`],
    choices.deviceActivations === undefined
      ? undefined
      : ['Activations on the card', `${choices.deviceActivations} GB`],
    choices.exportDtype === undefined ? undefined : ['Export with the run', dtypeWords(choices.exportDtype)],
  ];
  return rows.filter((row) => row !== undefined);
}

/** @param strength that was chosen, once it is known */
function plusRows(plus: PlusChoices, strength: number | undefined): SettingsRow[] {
  const used = plus.techniques.map((technique) => PLUS_WORDS[technique].label.toLowerCase());
  const rows: SettingsRow[] = [['Beyond the paper', used.length === 0 ? 'nothing' : used.join(', ')]];
  if (plus.bytes !== undefined) rows.push(['To spend on all matrices', readableBytes(plus.bytes)]);
  if (followsOriginal(plus)) {
    rows.push([
      'Strength of the corrections',
      plus.strength === 'auto' ? chosenWords(strength) : String(plus.strength),
    ]);
  }
  if (hasTechnique(plus, 'sweeps')) rows.push(['Sweeps', String(plus.sweeps)]);
  return rows;
}

function chosenWords(strength: number | undefined): string {
  const how = 'by held-out segments';
  return strength === undefined ? how : `${strength}, ${how}`;
}
