import { createRouterClient } from '@orpc/server';
import { describe, expect, it } from 'vitest';
import { openStudio } from '../../../main/service/studio/studio.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { ControlledEngine } from './controlled-engine.ts';
import { openTestStudio } from './open-test-studio.ts';

describe('a queue that does not begin', () => {
  it('lets runs wait, old ones and new ones, in their order, for a studio that performs them', async () => {
    const dataFolder = await temporaryFolder();
    const engine = new ControlledEngine();
    const tasks = { quantize: engine.quantize };
    for (const bits of [2, 3]) {
      const studio = await openStudio({ dataFolder, host: 'direct', performsRuns: false, tasks });
      const client = createRouterClient(studio.router);
      const { id: modelId } = await client.models.addDemo();
      await client.runs.start({ modelId, choices: { budget: { bits } } });
      expect(await client.activities.watch().then((list) => list.next())).toMatchObject({
        value: [{ state: 'waiting' }],
      });
      await studio.close();
    }
    expect(engine.runs).toEqual([]);

    const { studio, client } = await openTestStudio(dataFolder, tasks);
    expect((await engine.run(0)).request.budget).toEqual({ bits: 2 });
    expect(await client.runs.list({})).toMatchObject([
      { state: 'queued', ahead: 0 },
      { state: 'running', ahead: null },
    ]);
    await studio.close();
  });

  it('lets a run that waits be called off and taken out', async () => {
    const dataFolder = await temporaryFolder();
    const studio = await openStudio({ dataFolder, host: 'direct', performsRuns: false });
    const client = createRouterClient(studio.router);
    const { id: modelId } = await client.models.addDemo();
    const { id } = await client.runs.start({ modelId, choices: {} });
    await client.runs.cancel({ id });
    expect(await client.runs.get({ id })).toMatchObject({ state: 'cancelled', startedAt: null });
    await client.runs.remove({ id, deleteFolder: true });
    expect(await client.runs.list({})).toEqual([]);
    await studio.close();
  });
});
