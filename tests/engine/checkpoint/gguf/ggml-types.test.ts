import { describe, expect, it, onTestFinished } from 'vitest';
import { ggmlType } from '../../../../main/engine/checkpoint/gguf/ggml-types.ts';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { StoredTensor } from '../../../../main/engine/checkpoint/gguf/stored-tensor.ts';
import { openSafetensors } from '../../../../main/engine/checkpoint/safetensors-file.ts';
import { thrownBy } from '../thrown.ts';
import { goldenGguf } from './golden-gguf.ts';

const NAMES = ['F32', 'F16', 'BF16', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'Q4_K', 'Q5_K', 'Q6_K'];

describe('types of ggml', () => {
  it.each(NAMES)('decodes %s to the bits that the Python package gguf computes', async (name) => {
    const file = await openGgufFile(goldenGguf('types.gguf'));
    onTestFinished(() => file.close());
    const expected = await openSafetensors(goldenGguf('types.expected.safetensors'));
    onTestFinished(() => expected.close());
    const tensor = file.header.tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    const floats = await new StoredTensor(name, file, tensor, undefined).read();
    expect(tensor.type.name).toBe(name);
    expect(floats).toHaveLength(3 * 512);
    expect(bitsOf(floats)).toEqual(bitsOf(await expected.readFloats(name)));
  });

  it('names a type that is not read', async () => {
    expect(await thrownBy(() => ggmlType(10, 'token_embd.weight', 'a.gguf'))).toMatchObject({
      code: 'weights/unsupported-dtype',
      where: 'a.gguf, tensor token_embd.weight',
      expected: 'F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K',
      found: 'Q2_K',
    });
    expect((await thrownBy(() => ggmlType(4711, 'x', 'a.gguf'))).found).toBe('type 4711');
  });
});

/** -0 and 0 are not the same here. */
function bitsOf(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}
