import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCorpus } from '../../../main/engine/text/corpus.ts';
import { folderWith } from './temporary-folder.ts';

describe('openCorpus', () => {
  it('knows the formats by the ends of the names', async () => {
    const folder = await folderWith({
      'a.txt': 'x',
      'B.JSONL': '{}',
      'c.jsonl.gz': '',
      'd.json.gz': '',
      'e.parquet': '12',
    });
    const corpus = await openCorpus(
      ['e.parquet', 'd.json.gz', 'c.jsonl.gz', 'B.JSONL', 'a.txt'].map((name) => join(folder, name)),
    );
    expect(corpus.files).toEqual([
      { path: join(folder, 'e.parquet'), format: 'parquet', size: 2 },
      { path: join(folder, 'd.json.gz'), format: 'gzipped-json-lines', size: 0 },
      { path: join(folder, 'c.jsonl.gz'), format: 'gzipped-json-lines', size: 0 },
      { path: join(folder, 'B.JSONL'), format: 'json-lines', size: 2 },
      { path: join(folder, 'a.txt'), format: 'plain', size: 1 },
    ]);
  });

  it('takes the files of a directory in the order of their names and lists what it skips', async () => {
    const folder = await folderWith({
      'b/2.txt': '',
      'b/10.txt': '',
      'Z.txt': '',
      'a.txt': '',
      'ä.txt': '',
      'README.md': '',
      'b/picture.png': '',
      '.hidden.txt': '',
      '.cache/c.txt': '',
    });
    const corpus = await openCorpus([folder]);
    expect(corpus.files.map((file) => file.path)).toEqual(
      ['Z.txt', 'a.txt', 'b/10.txt', 'b/2.txt', 'ä.txt'].map((name) => join(folder, name)),
    );
    expect(corpus.skipped).toEqual([join(folder, 'README.md'), join(folder, 'b/picture.png')]);
  });

  it('follows links to files, not to directories', async () => {
    const target = await folderWith({ 'blob.txt': 'text', 'more/d.txt': '' });
    const folder = await folderWith({});
    await symlink(join(target, 'blob.txt'), join(folder, 'linked.txt'));
    await symlink(folder, join(folder, 'circle'));
    const corpus = await openCorpus([folder]);
    expect(corpus.files).toEqual([{ path: join(folder, 'linked.txt'), format: 'plain', size: 4 }]);
  });

  it.each([
    ['notes.docx', '.docx'],
    ['model.tar.bz2', '.tar.bz2'],
    ['data.json', '.json'],
    ['README', 'a name without an extension'],
  ])('refuses %s and names what is supported', async (name, found) => {
    const folder = await folderWith({ [name]: '' });
    await expect(openCorpus([join(folder, name)])).rejects.toMatchObject({
      code: 'text/unsupported',
      where: join(folder, name),
      expected: '.txt, .jsonl, .jsonl.gz, .json.gz, .parquet',
      found,
    });
  });

  it('refuses a directory without any text', async () => {
    await expect(openCorpus([await folderWith({})])).rejects.toMatchObject({
      code: 'text/unsupported',
      found: 'no files',
    });
    const pictures = await folderWith({ 'a.png': '', 'b.png': '' });
    await expect(openCorpus([pictures])).rejects.toMatchObject({
      code: 'text/unsupported',
      found: '2 files of other kinds',
    });
  });

  it('says what cannot be found', async () => {
    const path = join(await folderWith({}), 'missing.txt');
    await expect(openCorpus([path])).rejects.toMatchObject({ code: 'text/not-found', where: path });
  });
});
