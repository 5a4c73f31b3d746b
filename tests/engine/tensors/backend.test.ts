import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBackend } from '../../../main/engine/tensors/backend.ts';
import {
  ADDON_FILE,
  INSTALLATION_FILE,
  type TensorflowVariant,
} from '../../../main/engine/tensors/tensorflow/installation.ts';
import { installationRecord } from './installation-record.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'claq-tensorflow-'));
});
afterEach(() => rm(home, { recursive: true }));

/** An installation whose addon is none. */
async function installBroken(variant: TensorflowVariant): Promise<void> {
  const addon = join(home, variant, ADDON_FILE);
  await mkdir(dirname(addon), { recursive: true });
  await writeFile(addon, 'not a library');
  await writeFile(join(home, variant, INSTALLATION_FILE), JSON.stringify(installationRecord(variant)));
}

const WASM = 'WebAssembly SIMD, 1 thread';

describe('startBackend', () => {
  it('takes WebAssembly where there is no TensorFlow, and says what it passed over and what mends it', async () => {
    expect(await startBackend({ tensorflowHome: home })).toEqual({
      name: 'wasm',
      description: WASM,
      passedOver: [
        { name: 'tensorflow-gpu', why: 'TensorFlow for GPUs is not installed', remedy: 'claq setup --gpu' },
        { name: 'tensorflow-cpu', why: 'TensorFlow is not installed', remedy: 'claq setup' },
      ],
    });
  });

  it('goes on to the next where TensorFlow cannot be loaded', async () => {
    await installBroken('cpu');
    const { name, passedOver } = await startBackend({ tensorflowHome: home });
    expect(name).toBe('wasm');
    expect(passedOver[1]).toEqual({
      name: 'tensorflow-cpu',
      why: expect.stringMatching(/^TensorFlow cannot be loaded: .*tfjs_binding\.node/) as unknown,
      remedy: 'claq setup',
    });
  });

  it('says so where the folder of an installation holds something else', async () => {
    await mkdir(join(home, 'gpu'));
    await writeFile(join(home, 'gpu', INSTALLATION_FILE), '{"version": 1}');
    const { passedOver } = await startBackend({ tensorflowHome: home });
    expect(passedOver[0]?.why).toMatch(
      /^TensorFlow for GPUs is broken: .*installation\.json does not describe/,
    );
  });

  it('takes the one that it is told to, without a look at the others', async () => {
    expect(await startBackend({ engine: 'wasm', tensorflowHome: home })).toEqual({
      name: 'wasm',
      description: WASM,
      passedOver: [],
    });
  });

  it.each(['tensorflow-gpu', 'tensorflow-cpu'] as const)('does not take another for %s', async (engine) => {
    await expect(startBackend({ engine, tensorflowHome: home })).rejects.toMatchObject({
      code: 'engine/backend-unavailable',
      message: `The engine ${engine} does not run here`,
      found: expect.stringMatching(/is not installed$/) as unknown,
      remedy: expect.stringMatching(/^claq setup/) as unknown,
    });
  });

  it('finds its files from any working directory', async () => {
    const backend = join(import.meta.dirname, '../../../main/engine/tensors/backend.ts');
    const program = `import(process.argv[1]).then(m => m.startBackend()).then(b => process.stdout.write(b.name))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, backend], {
      cwd: tmpdir(),
    });
    expect(stdout).toBe('wasm');
  });
});
