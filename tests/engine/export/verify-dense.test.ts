import { open as openFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { verifyDense } from '../../../main/engine/export/verify-dense.ts';
import { SMALL_CONFIG, writeSmallModel } from '../checkpoint/small-model.ts';
import type { SmallModel, SmallTensor } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

const unchanged = (): Promise<undefined> => Promise.resolve(undefined);

async function source(model: SmallModel = {}): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(await writeSmallModel(await temporaryFolder(), model));
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

const steps: SmallTensor = {
  name: 'steps',
  dtype: 'I64',
  shape: [1],
  bytes: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0),
};
const withSteps = (tensors: SmallTensor[]): SmallTensor[] => [...tensors, steps];

describe('a written folder', () => {
  it('passes when it holds the same', async () => {
    const checkpoint = await source({ change: withSteps });
    const folder = await writeSmallModel(await temporaryFolder(), { change: withSteps });
    const report = await verifyDense({ checkpoint, folder, dtype: 'source', quantized: unchanged });
    expect(report).toEqual({ tensors: 22, bytes: 2360, maxRounding: 0 });
  });

  it('passes in another dtype when every value was rounded rightly', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { dtype: 'F32' });
    const report = await verifyDense({
      checkpoint: await source(),
      folder,
      dtype: 'F32',
      quantized: unchanged,
    });
    expect(report.bytes).toBe(4704);
  });

  it('fails at the first bit that differs, in floats, signs of zero and extra tensors', async () => {
    const checkpoint = await source({ change: withSteps });
    const folder = await writeSmallModel(await temporaryFolder(), { change: withSteps });
    const path = join(folder, 'model.safetensors');
    const original = await readFile(path);
    const start = 8 + Number(original.readBigUInt64LE(0));
    const failsAt = async (position: number, byte: number): Promise<string | undefined> => {
      const file = await openFile(path, 'r+');
      await file.write(Uint8Array.of(byte), 0, 1, position);
      await file.close();
      const error = await thrownBy(() =>
        verifyDense({ checkpoint, folder, dtype: 'source', quantized: unchanged }),
      );
      expect(error.code).toBe('output/verification-failed');
      await writeFile(path, original);
      return error.where;
    };
    // lm_head.weight comes first: [11, 8] halves; its value [1, 1] is the tenth.
    const tenth = start + 2 * 9;
    expect(await failsAt(tenth, (original[tenth] ?? 0) ^ 1)).toContain('tensor lm_head.weight, [1, 1]');
    const zero = original
      .subarray(start)
      .findIndex((_, i) => i % 2 === 0 && original.readUInt16LE(start + i) === 0);
    expect(zero).toBeGreaterThan(0);
    expect(await failsAt(start + zero + 1, 0x80)).toContain('tensor ');
    expect(await failsAt(original.length - 8, 6)).toContain('tensor steps, byte [0]');
  });

  it('fails when config, tensors, order or dtype are others', async () => {
    const checkpoint = await source();
    const verify = async (
      model: SmallModel,
      dtype: 'source' | 'F16' = 'source',
    ): Promise<string | undefined> => {
      const folder = await writeSmallModel(await temporaryFolder(), model);
      const error = await thrownBy(() => verifyDense({ checkpoint, folder, dtype, quantized: unchanged }));
      expect(error.code).toBe('output/verification-failed');
      return error.where?.slice(folder.length);
    };
    expect(await verify({ config: { ...SMALL_CONFIG, rope_theta: 20000 } })).toBe(', config.json');
    expect(await verify({ change: (tensors) => tensors.reverse() })).toBe(', the shards');
    expect(await verify({ change: withSteps })).toBe(', the shards');
    expect(await verify({ shards: 1 })).toBe(', the shards');
    expect(await verify({ dtype: 'BF16' }, 'F16')).toBe(', model.embed_tokens.weight');
  });

  it('fails when it cannot be opened', async () => {
    const checkpoint = await source();
    const folder = await writeSmallModel(await temporaryFolder());
    await rm(join(folder, 'model.safetensors'));
    const error = await thrownBy(() =>
      verifyDense({ checkpoint, folder, dtype: 'source', quantized: unchanged }),
    );
    expect(error).toMatchObject({ code: 'output/verification-failed', found: 'The folder has no weights' });
  });
});
