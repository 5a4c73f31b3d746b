import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withLibrary } from '../../main/cli/library-client.ts';
import { modelIdSchema } from '../../shared/library.ts';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';
import { openTestStudio } from '../service/studio/open-test-studio.ts';

describe('withLibrary', () => {
  it('gives what the work gives, from a library that is made where there is none', async () => {
    const data = join(await temporaryFolder(), 'new');
    const info = await withLibrary(data, async ({ client, dataFolder }) => {
      expect(dataFolder).toBe(data);
      return await client.program.info();
    });
    expect(info).toMatchObject({ host: 'direct', dataFolder: data });
  });

  it('turns what a call refuses into the error that it was, and closes', async () => {
    const data = await temporaryFolder();
    const id = modelIdSchema.parse(9);
    for (let time = 0; time < 2; time++) {
      await expect(withLibrary(data, ({ client }) => client.models.get({ id }))).rejects.toMatchObject({
        name: 'ClaqError',
        code: 'library/not-found',
        message: 'The library has no such model',
        found: 'number 9',
        remedy: 'it may have been removed in another window: look at the list again',
      });
    }
  });

  it('leaves any other error as it is', async () => {
    const fault = new TypeError('the tests broke it');
    await expect(withLibrary(await temporaryFolder(), () => Promise.reject(fault))).rejects.toBe(fault);
  });

  it('says who has the library', async () => {
    const data = await temporaryFolder();
    const { studio } = await openTestStudio(data);
    await expect(withLibrary(data, () => Promise.resolve())).rejects.toMatchObject({
      name: 'ClaqError',
      code: 'library/in-use',
      where: join(data, 'run.lock'),
    });
    await studio.close();
  });
});
