import { describe, expect, it } from 'vitest';
import { askNvidiaSmi } from '../../../main/service/doctor/nvidia-smi.ts';
import type { DriverReport } from '../../../shared/doctor.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { answering, withNvidiaSmi } from './fake-nvidia-smi.ts';

async function askFake(script: string, limitMilliseconds = 10_000): Promise<DriverReport> {
  const env = await withNvidiaSmi(await temporaryFolder(), script);
  return askNvidiaSmi({ env, limitMilliseconds });
}

const A100 = 'NVIDIA A100-SXM4-40GB, 550.54.15, 40960 MiB, 8.0';

describe('askNvidiaSmi', () => {
  it('reads one GPU', async () => {
    expect(await askFake(answering(A100))).toEqual({
      state: 'found',
      version: '550.54.15',
      devices: [
        {
          name: 'NVIDIA A100-SXM4-40GB',
          memoryBytes: 40960 * 2 ** 20,
          computeCapability: '8.0',
          fault: null,
        },
      ],
    });
  });

  it('reads two, of which one is too new for the driver', async () => {
    const report = await askFake(answering(A100, 'NVIDIA GeForce RTX 5090, 550.54.15, 32607 MiB, 12.0'));
    expect(report).toMatchObject({
      state: 'found',
      devices: [
        { name: 'NVIDIA A100-SXM4-40GB', fault: null },
        {
          name: 'NVIDIA GeForce RTX 5090',
          memoryBytes: 32607 * 2 ** 20,
          computeCapability: '12.0',
          fault: {
            why: 'the driver 550.54.15 is too old for NVIDIA GeForce RTX 5090',
            remedy: "install NVIDIA's driver 570 or newer, and restart",
          },
        },
      ],
    });
  });

  it('asks a driver that does not know the compute capability for the rest', async () => {
    const old = `case "$1" in *compute_cap*)
      echo 'Field "compute_cap" is not a valid field to query.'
      exit 2;;
    esac
    echo 'Tesla V100-SXM2-16GB, 470.82.01, 16160 MiB'`;
    expect(await askFake(old)).toEqual({
      state: 'found',
      version: '470.82.01',
      devices: [
        {
          name: 'Tesla V100-SXM2-16GB',
          memoryBytes: 16160 * 2 ** 20,
          computeCapability: null,
          fault: {
            why: 'the driver 470.82.01 is too old for Tesla V100-SXM2-16GB',
            remedy: "install NVIDIA's driver 525 or newer, and restart",
          },
        },
      ],
    });
  });

  it('takes what the driver cannot say as not known', async () => {
    const shared = 'NVIDIA GB10, 580.65.06, [N/A], 12.1';
    expect(await askFake(answering(shared))).toMatchObject({
      devices: [{ memoryBytes: null, computeCapability: '12.1', fault: null }],
    });
    expect(await askFake(answering('NVIDIA GB10, 580.65.06, [Insufficient Permissions], N/A'))).toMatchObject(
      { devices: [{ memoryBytes: null, computeCapability: null }] },
    );
  });

  it('says that it is missing', async () => {
    expect(await askNvidiaSmi({ env: { PATH: await temporaryFolder() } })).toEqual({ state: 'missing' });
  });

  it.each<[string, string, string]>([
    [
      'fails, with its words',
      'echo "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver."; echo; exit 9',
      'nvidia-smi fails: NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.',
    ],
    ['finds no devices', 'echo "No devices were found"; exit 6', 'no devices were found'],
    ['finds none and calls it success', 'echo "No devices were found"', 'no devices were found'],
    ['says nothing', ':', 'nvidia-smi gives an answer that cannot be read: nothing, and ended with 0'],
    [
      'says something else',
      'echo "hello, world"',
      'nvidia-smi gives an answer that cannot be read: hello, world',
    ],
    [
      'says something else after a device',
      answering(A100, 'NVIDIA A100, 550, lots, 8.0'),
      `nvidia-smi gives an answer that cannot be read: ${A100} | NVIDIA A100, 550, lots, 8.0`,
    ],
  ])('says so where nvidia-smi %s', async (_, script, why) => {
    expect(await askFake(script)).toEqual({ state: 'failed', why });
  });

  it('does not believe in more devices than a machine holds', async () => {
    const report = await askFake(answering(...Array.from({ length: 65 }, () => A100)));
    expect(report).toMatchObject({ state: 'failed' });
    expect(await askFake(answering(...Array.from({ length: 64 }, () => A100)))).toMatchObject({
      state: 'found',
    });
  });

  it('keeps a long answer short', async () => {
    const report = await askFake(`echo ${'x'.repeat(10_000)}`);
    expect(report).toEqual({
      state: 'failed',
      why: `nvidia-smi gives an answer that cannot be read: ${'x'.repeat(200)}...`,
    });
  });

  it('does not wait for one that hangs', async () => {
    expect(await askFake('while :; do :; done', 300)).toEqual({
      state: 'failed',
      why: 'nvidia-smi does not answer',
    });
  });

  it('is called off with the rest', async () => {
    const error = await thrownBy(() => askNvidiaSmi({ env: process.env, signal: AbortSignal.abort() }));
    expect(error.code).toBe('run/cancelled');
  });
});
