import { expect, it } from 'vitest';
import { completeRecord } from '../../service/preflight/complete-record.ts';
import { settingsRows } from '../../../renderer/result/settings-rows.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import { runDetail } from '../run/run-card.ts';

it('says what nobody chose as what it came to', () => {
  expect(settingsRows(runDetail({ engine: 'TensorFlow 2.21.0 on the CPU' }))).toEqual([
    ['Method', 'CLAQ'],
    ['Budget', '2.12 (AP 2.05 of {2,4} + OR 0.07)'],
    ['Bits go to columns', 'by benefit'],
    ['Codebooks are fitted on', 'coded entries'],
    ['S of the outliers', '13'],
    ['Damping', '0.01'],
    ['Order by activations', 'yes'],
    ['Calibration text', 'the default text'],
    ['Calibration', '128 segments, seed 0'],
    ['Evaluation', '16 windows of the bundled text'],
    ['Engine', 'TensorFlow 2.21.0 on the CPU'],
    ['Forward pass', 'float32'],
    ['Threads', 'all cores'],
  ]);
});

it('says what CLAQ+ did beyond the paper', () => {
  const choices = quantizeChoicesSchema.parse({ method: 'claq-plus', budget: { bits: 2.12 } });
  const rows = settingsRows(runDetail({ choices }));
  expect(rows).toContainEqual(['Method', 'CLAQ+']);
  expect(rows).toContainEqual(['Bits go', 'over the whole model']);
  expect(rows).toContainEqual([
    'Beyond the paper',
    'bits over the whole model, row scales, row sensitivity, codebooks in bytes, kept by error, inputs as they have become, residual stream, sweeps',
  ]);
  expect(rows).toContainEqual(['Strength of the corrections', 'by held-out segments']);
  expect(rows).toContainEqual(['Sweeps', '2']);
});

it('says what strength was chosen, once it is known, or asked for', () => {
  const choices = quantizeChoicesSchema.parse({ method: 'claq-plus', budget: { bits: 2.12 } });
  const { result } = completeRecord({ segments: 8, length: 512, timing: {}, windows: 4 });
  const figures = result && { ...result, strength: 0.25 };
  expect(settingsRows(runDetail({ choices, figures }))).toContainEqual([
    'Strength of the corrections',
    '0.25, by held-out segments',
  ]);
  const asked = quantizeChoicesSchema.parse({ method: 'claq-plus', plus: { strength: 0.5 } });
  expect(settingsRows(runDetail({ choices: asked, figures }))).toContainEqual([
    'Strength of the corrections',
    '0.5',
  ]);
});

it('shows what goes with a uniform grid only, and what was chosen', () => {
  const choices = quantizeChoicesSchema.parse({
    method: 'gptq',
    budget: { bits: 4 },
    groupSize: 128,
    calibration: { source: '/c4.txt', segments: 8, segmentLength: 1024, joinDocuments: true },
    evaluation: { windows: 0 },
    hostMemory: 2,
    deviceActivations: 12,
    exportDtype: 'f16',
  });
  const rows = settingsRows(runDetail({ choices, budget: '4' }));
  expect(rows).toContainEqual(['Columns that share a scale', '128']);
  expect(rows).toContainEqual(['Calibration', '8 segments of 1,024 tokens, seed 0, over documents’ ends']);
  expect(rows).toContainEqual(['Evaluation', 'none']);
  expect(rows).toContainEqual(['Memory for activations', '2 GB']);
  expect(rows).toContainEqual(['Activations on the card', '12 GB']);
  expect(rows).toContainEqual(['Export with the run', 'float16']);
  expect(rows.map(([label]) => label)).not.toContain('Codebooks are fitted on');
});
