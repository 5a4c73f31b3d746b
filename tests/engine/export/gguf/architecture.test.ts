import { describe, expect, it } from 'vitest';
import { architectureOf } from '../../../../main/engine/export/gguf/architecture.ts';
import type { ModelDescription } from '../../../../shared/model.ts';
import { DEMO_DESCRIPTION } from '../../../known-models.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';

const LLAMA3_ROPE: ModelDescription['ropeScaling'] = {
  type: 'llama3',
  factor: 8,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalContextLength: 8192,
};

const architecture = (changed: Partial<ModelDescription>): string =>
  architectureOf({ ...DEMO_DESCRIPTION, ...changed });

describe('architectureOf', () => {
  it('takes Mistral for a LLaMA, with all that one may have', () => {
    expect(architecture({ qkvBias: true, oBias: true, mlpBias: true, ropeScaling: LLAMA3_ROPE })).toBe(
      'llama',
    );
    expect(architecture({ family: 'mistral', slidingWindow: 4096 })).toBe('llama');
  });

  it('has names of their own for Qwen2 and Qwen3', () => {
    expect(architecture({ family: 'qwen2', qkvBias: true })).toBe('qwen2');
    expect(architecture({ family: 'qwen3', qkNorm: true, ropeScaling: { type: 'linear', factor: 2 } })).toBe(
      'qwen3',
    );
  });

  it.each<Partial<ModelDescription>>([
    { family: 'qwen3', qkvBias: true, oBias: true },
    { family: 'qwen2', ropeScaling: LLAMA3_ROPE },
    { family: 'qwen2', slidingWindow: 4096 },
  ])('refuses what llama.cpp has for LLaMA alone, or not: %o', async (changed) => {
    expect((await thrownBy(() => architecture(changed))).code).toBe('model/unsupported');
  });
});
