import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ExportFormat, PlannedFile } from '../../../main/engine/export/export-format.ts';
import { type ModelExport, exportModel } from '../../../main/engine/export/export-model.ts';
import { discardPartialExport } from '../../../main/engine/export/partial-export.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

const execute = promisify(execFile);

/** A format of three files; which of them were written is told by `written`. */
function threeFiles(written: string[], changes: Partial<ExportFormat> = {}): ExportFormat {
  const file = (name: string): PlannedFile => ({
    name,
    bytes: 4,
    tensors: 2,
    write: async (folder, onTensor) => {
      onTensor(`${name} first`);
      onTensor(`${name} second`);
      await writeFile(join(folder, name), name);
      written.push(name);
    },
  });
  return {
    files: ['a', 'b', 'c'].map(file),
    writeSmallFiles: (folder) => writeFile(join(folder, 'config.json'), '{}'),
    verify: () => Promise.resolve({ tensors: 6, bytes: 12, maxRounding: 0.5 }),
    ...changes,
  };
}

interface Asked {
  readonly parent: string;
  readonly outFolder: string;
  readonly written: string[];
  ask(changes?: Partial<ModelExport<number>>): ModelExport<number>;
}

async function asked(): Promise<Asked> {
  const parent = await temporaryFolder();
  const outFolder = join(parent, 'out');
  const written: string[] = [];
  return {
    parent,
    outFolder,
    written,
    ask: (changes) => ({
      format: threeFiles(written),
      outFolder,
      identity: 'one',
      comparePerplexity: () => Promise.resolve(12.5),
      card: (perplexity) => `perplexity ${perplexity}`,
      ...changes,
    }),
  };
}

/** Aborts as soon as the tensor is announced. */
function stoppedAt(tensor: string): Pick<ModelExport<number>, 'onProgress' | 'signal'> {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onProgress: ({ detail }) => {
      if (detail === tensor) controller.abort();
    },
  };
}

describe('an export', () => {
  it('has its files, a card and a list of sums that sha256sum agrees with', async () => {
    const { ask, outFolder, parent } = await asked();
    expect(await exportModel(ask())).toEqual({
      tensors: 6,
      bytes: 12,
      maxRounding: 0.5,
      files: 6,
      fileBytes: 3 + 2 + 15,
      perplexity: 12.5,
    });
    expect((await readdir(outFolder)).sort()).toEqual([
      'README.md',
      'SHA256SUMS',
      'a',
      'b',
      'c',
      'config.json',
    ]);
    expect(await readFile(join(outFolder, 'README.md'), 'utf8')).toBe('perplexity 12.5');
    const { stdout } = await execute('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: outFolder });
    expect(stdout.trim().split('\n')).toEqual([
      'README.md: OK',
      'a: OK',
      'b: OK',
      'c: OK',
      'config.json: OK',
    ]);
    expect(await readdir(parent)).toEqual(['out']);
  });

  it('goes on behind the last whole file when it was cancelled, and writes anew what was spoiled', async () => {
    const { ask, outFolder, parent, written } = await asked();
    expect((await thrownBy(() => exportModel(ask(stoppedAt('c first'))))).code).toBe('run/cancelled');
    expect(written).toEqual(['a', 'b']);
    expect(await readdir(parent)).toEqual(['.out.partial']);
    await writeFile(join(parent, '.out.partial', 'a'), 'x');
    const notes: string[] = [];
    const done: number[] = [];
    await exportModel(
      ask({
        onNote: (line) => notes.push(line),
        onProgress: (step) => {
          if (step.phase === 'Writing the model') done.push(step.done);
        },
      }),
    );
    expect(written).toEqual(['a', 'b', 'a', 'c']);
    expect(notes).toEqual(['Going on with an earlier export: 1 of 3 weights files are there']);
    expect(done).toEqual([2, 3, 4, 5, 6]);
    expect(await readFile(join(outFolder, 'a'), 'utf8')).toBe('a');
    expect(await readdir(parent)).toEqual(['out']);
  });

  it('takes nothing from an export of something else', async () => {
    const { ask, parent, written } = await asked();
    await thrownBy(() => exportModel(ask(stoppedAt('c first'))));
    await writeFile(join(parent, '.out.partial', 'leftover'), '');
    await exportModel(ask({ identity: 'another' }));
    expect(written).toEqual(['a', 'b', 'a', 'b', 'c']);
    expect(await readdir(join(parent, 'out'))).not.toContain('leftover');
  });

  it('is deleted where it is not wanted any more, and nothing else is', async () => {
    const { ask, parent, outFolder, written } = await asked();
    await thrownBy(() => exportModel(ask(stoppedAt('c first'))));
    await discardPartialExport(outFolder);
    expect(await readdir(parent)).toEqual([]);
    await exportModel(ask());
    expect(written).toEqual(['a', 'b', 'a', 'b', 'c']);
    // None is left, and a folder of another's is none.
    await discardPartialExport(outFolder);
    await mkdir(join(parent, '.mine.partial'));
    await discardPartialExport(join(parent, 'mine'));
    expect((await readdir(parent)).sort()).toEqual(['.mine.partial', 'out']);
  });

  it('is not deleted while it is written', async () => {
    const { ask, outFolder } = await asked();
    let refused: unknown;
    await exportModel(
      ask({
        comparePerplexity: async () => {
          refused = await thrownBy(() => discardPartialExport(outFolder));
          return 1;
        },
      }),
    );
    expect(refused).toMatchObject({ code: 'output/in-use' });
    expect(await readdir(outFolder)).toContain('a');
  });

  it('keeps others out while it is written', async () => {
    const { ask } = await asked();
    let second: unknown;
    await exportModel(
      ask({
        comparePerplexity: async () => {
          second = await exportModel(ask()).catch((error: unknown) => error);
          return 1;
        },
      }),
    );
    expect(second).toMatchObject({ code: 'output/in-use' });
  });
});

describe('nothing stays of an export', () => {
  const broken = new ClaqError('output/verification-failed', 'Other weights');

  it.each<[string, (written: string[]) => Partial<ModelExport<number>>]>([
    ['tensors', (written) => ({ format: threeFiles(written, { verify: () => Promise.reject(broken) }) })],
    ['perplexity', () => ({ comparePerplexity: () => Promise.reject(broken) })],
  ])('whose %s are not what they should be', async (_, changes) => {
    const { ask, parent, written } = await asked();
    expect(await thrownBy(() => exportModel(ask(changes(written))))).toBe(broken);
    expect(written).toEqual(['a', 'b', 'c']);
    expect(await readdir(parent)).toEqual([]);
  });

  it('whose file is another when it is read once more', async () => {
    const { ask, parent } = await asked();
    const spoil = async (): Promise<number> => {
      await writeFile(join(parent, '.out.partial', 'b'), 'x');
      return 1;
    };
    expect(await thrownBy(() => exportModel(ask({ comparePerplexity: spoil })))).toMatchObject({
      code: 'output/verification-failed',
      where: join(parent, '.out.partial', 'b'),
      expected: 'sha256 3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d',
      found: 'sha256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
    });
    expect(await readdir(parent)).toEqual([]);
  });

  it('that does not fit on the disk, and it is said before anything is written', async () => {
    const { ask, parent, written } = await asked();
    const format = threeFiles(written);
    const [file] = format.files;
    if (file === undefined) throw new Error('no file');
    const huge = { ...format, files: [{ ...file, bytes: 2 ** 60 }] };
    expect(await thrownBy(() => exportModel(ask({ format: huge })))).toMatchObject({
      code: 'output/disk-full',
      message: 'The export does not fit on the disk',
    });
    expect(written).toEqual([]);
    expect(await readdir(parent)).toEqual([]);
  });

  it('whose folder filled up meanwhile, and what is there is left alone', async () => {
    const { ask, parent, outFolder } = await asked();
    const appear = async (): Promise<number> => {
      await mkdir(outFolder);
      await writeFile(join(outFolder, 'mine'), '');
      return 1;
    };
    const error = await thrownBy(() => exportModel(ask({ comparePerplexity: appear })));
    expect(error).toMatchObject({ code: 'output/not-empty', found: 'mine' });
    expect((await stat(join(outFolder, 'mine'))).isFile()).toBe(true);
    expect(await readdir(parent)).toEqual(['out']);
  });
});
