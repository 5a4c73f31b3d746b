import { describe, expect, it } from 'vitest';
import { instructionSets, processorInstructionSets } from '../../../main/engine/tensors/processor.ts';

describe('the instruction sets of a processor', () => {
  it('are the flags of the first of its cores', () => {
    const cpuinfo = [
      'processor\t: 0',
      'vmx flags\t: vnmi ept',
      'flags\t\t: fpu avx  avx2 amx_bf16 amx_tile',
      'bugs\t\t: spectre_v1',
      '',
      'processor\t: 1',
      'flags\t\t: fpu',
    ].join('\n');
    expect(instructionSets(cpuinfo)).toEqual(new Set(['fpu', 'avx', 'avx2', 'amx_bf16', 'amx_tile']));
  });

  it.each(['', 'processor\t: 0\nFeatures\t: fp asimd\n', 'flags\t\t:\nbugs\t\t: none\n'])(
    'are not known where none are listed: %j',
    (cpuinfo) => {
      expect(instructionSets(cpuinfo)).toBeUndefined();
    },
  );

  it.runIf(process.platform === 'linux' && process.arch === 'x64')('are told of this machine', () => {
    // Every x86 processor of 64 bits has it.
    expect(processorInstructionSets()?.has('sse2')).toBe(true);
  });
});
