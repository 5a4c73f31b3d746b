import { describe, expect, it } from 'vitest';
import { figuresFileName, figuresJson, matricesCsv } from '../../../renderer/result/figures-table.ts';
import { matrixResult } from '../charts/matrix-result.ts';
import { runDetail } from '../run/run-card.ts';

describe('matricesCsv', () => {
  it('has a line a matrix with all digits, and nothing where a figure is not known', () => {
    const csv = matricesCsv([matrixResult(), matrixResult({ block: 3, kind: 'gate', loss: null })]);
    expect(csv).toBe(
      [
        'name,block,kind,rows,columns,loss,loss_per_weight,outlier_ratio,damping,bytes,stored_bits,mean_width,reserved_entries',
        'model.layers.0.self_attn.q_proj,0,q,100,200,50,0.0025,0.00123,0.01,6000,2.4,2.1,40',
        'model.layers.3.mlp.gate_proj,3,gate,100,200,,,0.00123,0.01,6000,2.4,2.1,40',
        '',
      ].join('\r\n'),
    );
  });
});

describe('figuresJson', () => {
  it('has choices, figures and matrices by name, and no log', () => {
    const run = runDetail({ matrices: [matrixResult()], notes: [{ at: '', line: 'secret' }] });
    const read: unknown = JSON.parse(figuresJson(run));
    expect(read).toMatchObject({
      model: 'SmolLM2-135M',
      choices: { budget: { bits: 2.12 } },
      matrices: [{ name: 'model.layers.0.self_attn.q_proj', loss: 50 }],
    });
    expect(figuresJson(run)).not.toContain('secret');
  });
});

it('names the file by model, method and bits', () => {
  expect(figuresFileName(runDetail(), 'csv')).toBe('SmolLM2-135M-2.12.csv');
  const odd = runDetail({ modelName: 'a / b', method: 'gptq', budget: '4' });
  expect(figuresFileName(odd, 'json')).toBe('a-b-gptq-4.json');
});
