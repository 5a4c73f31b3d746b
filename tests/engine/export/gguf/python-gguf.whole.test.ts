import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import type { GgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import { writeGguf } from '../../../../main/engine/export/gguf/write-gguf.ts';
import { pythonForTests } from '../../../clients/python.ts';
import { DEMO } from '../../text/demo-tokenizer.ts';
import { temporaryFolder } from '../../checkpoint/temporary-folder.ts';

const python = await pythonForTests();

const readSchema = z.strictObject({
  fields: z.record(z.string(), z.unknown()),
  tensors: z.record(
    z.string(),
    z.strictObject({
      type: z.string(),
      shape: z.array(z.int()),
      aligned: z.literal(true),
      sha256: z.string(),
    }),
  ),
});

/** SHA-256 of all values as float32. */
async function sumOf(file: GgufFile, name: string): Promise<string> {
  const tensor = file.header.tensors.get(name);
  if (tensor === undefined) return 'no such tensor';
  const values = new Float32Array(tensor.shape.reduce((product, length) => product * length, 1));
  tensor.type.decode(await file.readBytes(tensor, 0, tensor.bytes), values);
  return createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
}

describe.skipIf('missing' in python)('the Python package gguf', () => {
  it.each(['F16', 'Q8_0'] as const)('reads the demo model in %s without a warning', async (type) => {
    if ('missing' in python) throw new Error(python.missing);
    const checkpoint = await openCheckpoint(`${DEMO}/model`);
    onTestFinished(() => checkpoint.close());
    const path = join(await temporaryFolder(), 'demo.gguf');
    await writeGguf(
      { checkpoint, type, name: 'The demo', quantized: () => Promise.resolve(undefined) },
      path,
    );
    const script = join(import.meta.dirname, 'read_gguf.py');
    const { fields, tensors } = readSchema.parse(JSON.parse(await python.run(script, [path])));
    expect(fields).toMatchObject({
      'GGUF.version': 3,
      'GGUF.tensor_count': 56,
      'general.architecture': 'llama',
      'general.name': 'The demo',
      'general.file_type': type === 'F16' ? 1 : 7,
      'llama.rope.freq_base': 10_000,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': 'gpt-2',
      'tokenizer.ggml.bos_token_id': 0,
      'tokenizer.ggml.eos_token_id': 1,
      'tokenizer.ggml.add_bos_token': false,
    });
    const tokens = z.array(z.string()).parse(fields['tokenizer.ggml.tokens']);
    expect([tokens.length, tokens[0], tokens[2218]]).toEqual([4096, '<s>', 'The']);
    const file = await openGgufFile(path);
    onTestFinished(() => file.close());
    const names = [...file.header.tensors.keys()];
    expect(Object.keys(tensors).sort()).toEqual(names.sort());
    for (const name of names) {
      const found = tensors[name];
      const isVector = found?.shape.length === 1;
      expect({ name, ...found }).toMatchObject({
        name,
        type: isVector ? 'F32' : type,
        sha256: await sumOf(file, name),
      });
    }
  });
});
