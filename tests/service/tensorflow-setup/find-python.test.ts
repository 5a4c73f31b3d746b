import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPython } from '../../../main/service/tensorflow-setup/find-python.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

/** A PATH with these programs and no others. */
async function pathWith(programs: Readonly<Record<string, string>>): Promise<NodeJS.ProcessEnv> {
  const folder = await temporaryFolder();
  for (const [name, answer] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\necho '${answer}'\n`);
    await chmod(join(folder, name), 0o755);
  }
  return { ...process.env, PATH: folder };
}

describe('findPython', () => {
  it('finds the one of this machine', async () => {
    expect(await findPython({ env: process.env })).toBe('python3');
  });

  it('takes the first that is new enough and has pip', async () => {
    const env = await pathWith({
      python3: '{"version": [3, 12], "pip": false}',
      python: '{"version": [3, 9], "pip": true}',
    });
    expect(await findPython({ env })).toBe('python');
  });

  it.each<[string, Record<string, string>, string]>([
    ['no Python', {}, 'no Python'],
    [
      'a Python without pip',
      { python3: '{"version": [3, 11], "pip": false}' },
      'python3 is Python 3.11, without pip',
    ],
    [
      'a Python that is too old',
      { python: '{"version": [3, 8], "pip": true}' },
      'python is Python 3.8, with pip',
    ],
  ])('says what is missing, and what installs it: %s', async (_, programs, found) => {
    const env = await pathWith(programs);
    const error = await thrownBy(() => findPython({ env }));
    expect(error).toMatchObject({ code: 'setup/python-missing', found });
    expect(error.remedy).toContain('sudo apt install python3-pip');
  });
});
