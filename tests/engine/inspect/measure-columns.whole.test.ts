import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { type MeasuredColumns, measureModel } from '../../../main/engine/inspect/measure-columns.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { expectGolden } from './golden-statistics.ts';

const MODEL = fileURLToPath(new URL('../../../models/SmolLM2-135M-Instruct', import.meta.url));
const isThere = existsSync(MODEL);
if (!isThere) console.info('Left out: SmolLM2-135M-Instruct is not in models/ (npm run fetch:smollm2).');

describe.skipIf(!isThere)('SmolLM2-135M-Instruct', () => {
  it('has the column statistics that numpy finds', async () => {
    const checkpoint = await openCheckpoint(MODEL);
    const pool = await KernelPool.start();
    const measured: MeasuredColumns[] = [];
    try {
      await measureModel(pool, checkpoint, { onMatrix: (each) => void measured.push(each) });
    } finally {
      await pool.stop();
      await checkpoint.close();
    }
    expect(measured).toHaveLength(210);
    expect(measured.reduce((sum, { columns }) => sum + columns, 0)).toBe(149_760);
    await expectGolden('smollm2', measured);
  });
});
