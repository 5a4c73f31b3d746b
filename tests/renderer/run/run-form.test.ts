import { describe, expect, it } from 'vitest';
import {
  type RunForm,
  calibrationPresets,
  choicesOfForm,
  emptyForm,
  formOfChoices,
  isPreset,
  presetBits,
  withMethod,
} from '../../../renderer/run/run-form.ts';
import { METHODS } from '../../../shared/method.ts';
import { PLUS_TECHNIQUES } from '../../../shared/plus.ts';
import { type QuantizeChoicesRequest, quantizeChoicesSchema } from '../../../shared/requests.ts';
import { LLAMA_7B, SMOLLM2 } from '../../known-models.ts';

describe('choicesOfForm', () => {
  it('asks for the defaults where nothing was changed', () => {
    const { budget, ...others } = quantizeChoicesSchema.parse(choicesOfForm(emptyForm()));
    const { budget: none, ...defaults } = quantizeChoicesSchema.parse({});
    expect(budget).toEqual({ bits: 4 });
    expect(none).toEqual({});
    expect(others).toEqual(defaults);
  });

  it('has what was filled in, in its place', () => {
    const request = choicesOfForm({
      ...emptyForm(),
      budget: { bits: 2.12 },
      calibrationText: ' /texts/c4.txt ',
      segments: 8,
      segmentLength: 512,
      joinDocuments: true,
      seed: 3,
      windows: 0,
      outlierS: 7,
      columnOrder: 'outlier',
      codebookFit: 'all',
      percdamp: 0.02,
      actOrder: false,
      engine: 'wasm',
      threads: 2,
      hostMemory: 1.5,
      deviceActivations: 12,
      forwardPrecision: 'bfloat16',
      exportDtype: 'f16',
    });
    expect(quantizeChoicesSchema.parse(request)).toEqual({
      method: 'claq',
      budget: { bits: 2.12 },
      overrides: [],
      outlierS: 7,
      columnOrder: 'outlier',
      codebookFit: 'all',
      percdamp: 0.02,
      actOrder: false,
      calibration: { source: '/texts/c4.txt', segments: 8, segmentLength: 512, seed: 3, joinDocuments: true },
      evaluation: { windows: 0 },
      threads: 2,
      hostMemory: 1.5,
      deviceActivations: 12,
      engine: 'wasm',
      forwardPrecision: 'bfloat16',
      exportDtype: 'f16',
    });
  });

  it.each(METHODS)('leaves out what does not go with the method: %s', (method) => {
    const form = {
      ...emptyForm(),
      method,
      overrides: [{ budget: { bits: 3 } }, { matrices: ['v'], budget: { apAverage: 3.2 } }],
      columnOrder: 'benefit',
      codebookFit: 'kept',
      groupSize: 64,
    } satisfies RunForm;
    const parsed = quantizeChoicesSchema.safeParse(choicesOfForm(form));
    expect(parsed.error?.issues ?? []).toEqual([]);
  });
});

describe('the form of CLAQ+', () => {
  it('asks for all techniques and a strength that is chosen, where nobody said anything', () => {
    expect(choicesOfForm({ ...emptyForm(), method: 'claq-plus' }).plus).toEqual({
      techniques: [...PLUS_TECHNIQUES],
      strength: 'auto',
      sweeps: 2,
    });
  });

  it('asks for nothing that belongs to techniques which are switched off', () => {
    const form: RunForm = { ...emptyForm(), method: 'claq-plus', strength: 0.3, sweeps: 4 };
    expect(choicesOfForm({ ...form, techniques: ['row-scales'] }).plus).toEqual({
      techniques: ['row-scales'],
      strength: 'auto',
    });
    expect(choicesOfForm({ ...form, techniques: ['residual', 'sweeps'] }).plus).toEqual({
      techniques: ['residual', 'sweeps'],
      strength: 0.3,
      sweeps: 4,
    });
  });

  it('keeps the order of columns for when there is no allocation', () => {
    const form: RunForm = { ...emptyForm(), method: 'claq-plus', columnOrder: 'outlier' };
    expect(choicesOfForm(form).columnOrder).toBeUndefined();
    expect(choicesOfForm({ ...form, techniques: ['sweeps'] }).columnOrder).toBe('outlier');
  });
});

describe('formOfChoices', () => {
  const requests: readonly QuantizeChoicesRequest[] = [
    { budget: { bits: 3 } },
    { method: 'reference', budget: { apAverage: 2.2, apWidths: [2, 4], orShares: [1.4, 0.4] } },
    { method: 'gptq', budget: { bits: 4 }, groupSize: 128, exportDtype: 'source' },
    {
      method: 'claq-plus',
      budget: { bits: 2.12 },
      plus: { techniques: ['asymmetric', 'sweeps'], strength: 0.3, sweeps: 4 },
    },
    { method: 'claq-plus', budget: { bits: 3 }, plus: {} },
    { method: 'claq-plus', budget: { apAverage: 2.3 }, plus: { bytes: 32_000_000 } },
    { budget: { bits: 4 }, engine: 'auto', forwardPrecision: 'float32' },
    { budget: { bits: 2.12 }, overrides: [{ layers: '0-1', matrices: ['v'], budget: { bits: 4 } }] },
    {
      budget: { bits: 2.12 },
      columnOrder: 'outlier',
      calibration: { source: '/a.txt', segments: 16, segmentLength: 1024, seed: 9, joinDocuments: true },
      evaluation: { source: '/b.txt', windows: 0, contextLength: 512 },
      threads: 4,
      hostMemory: 2,
      deviceActivations: 0.5,
      engine: 'tensorflow-cpu',
    },
  ];
  it.each(requests)('makes the same request once more: %#', (request) => {
    const choices = quantizeChoicesSchema.parse(request);
    expect(quantizeChoicesSchema.parse(choicesOfForm(formOfChoices(choices)))).toEqual(choices);
  });

  it('shows the bits that no budget stands for', () => {
    expect(formOfChoices(quantizeChoicesSchema.parse({})).budget).toEqual({ bits: 4 });
  });
});

describe('presets', () => {
  it('are the paper’s settings, and whole widths for a uniform grid', () => {
    expect(presetBits('claq')).toEqual([2, 2.1, 2.12, 2.24, 2.5, 3, 3.12, 3.23, 4]);
    expect(presetBits('rtn')).toEqual([2, 3, 4]);
  });

  it('never have segments longer than the model’s context', () => {
    const short = { ...LLAMA_7B, contextLength: 256 };
    expect(calibrationPresets(short).map(({ segmentLength }) => segmentLength)).toEqual([256, 256]);
    expect(calibrationPresets(SMOLLM2)).toMatchObject([
      { label: 'Quick look', segments: 8, segmentLength: 512 },
      { label: 'As in the paper', segments: 128, segmentLength: 2048 },
    ]);
  });

  it('are recognized, also where the length is left to the model', () => {
    const [quick, paper] = calibrationPresets(SMOLLM2);
    expect(paper && isPreset(emptyForm(), paper, SMOLLM2)).toBe(true);
    expect(quick && isPreset(emptyForm(), quick, SMOLLM2)).toBe(false);
    expect(paper && isPreset({ ...emptyForm(), segments: 127 }, paper, SMOLLM2)).toBe(false);
  });
});

describe('withMethod', () => {
  it('keeps the budget of a method that has columns of different widths', () => {
    const form = { ...emptyForm(), budget: { bits: 2.12 } };
    expect(withMethod(form, 'reference')).toEqual({ method: 'reference', budget: { bits: 2.12 } });
  });

  it('goes down to a whole width for a uniform grid', () => {
    expect(withMethod({ ...emptyForm(), budget: { bits: 2.12 } }, 'gptq').budget).toEqual({ bits: 2 });
    expect(withMethod({ ...emptyForm(), budget: { bits: 3 } }, 'rtn').budget).toEqual({ bits: 3 });
    expect(withMethod({ ...emptyForm(), budget: { bits: 3, orBits: 0.1 } }, 'rtn').budget).toEqual({
      bits: 3,
    });
    expect(withMethod({ ...emptyForm(), budget: {} }, 'rtn').budget).toEqual({ bits: 4 });
  });
});
