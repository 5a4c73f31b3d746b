import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openCheckpoint, weightFiles } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { familyFolder } from '../../golden/families.ts';
import { randomExport, writePacked } from '../packed-model/packed-folder.ts';
import { goldenGguf } from './gguf/golden-gguf.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thrownBy } from './thrown.ts';

/** What it is taken for, and what opens it again. */
async function opened(path: string): Promise<{ format: string; path: string; files: readonly string[] }> {
  const checkpoint = await openCheckpoint(path);
  onTestFinished(() => checkpoint.close());
  const { shards } = checkpoint;
  const [{ file } = { file: '' }] = shards;
  const format = checkpoint.quantized?.format ?? (file.endsWith('.gguf') ? 'GGUF, as trained' : 'folder');
  return { format, path: checkpoint.path, files: checkpoint.sourceFiles };
}

async function folderWith(...files: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of files) await cp(goldenGguf('llama3.gguf'), join(folder, name));
  return folder;
}

describe('a model is opened as', () => {
  it('a folder of Hugging Face', async () => {
    const folder = familyFolder('llama');
    expect(await opened(folder)).toMatchObject({ format: 'folder', path: folder });
    expect(await weightFiles(folder)).toEqual([join(folder, 'model.safetensors')]);
  });

  it('a GGUF file, by its path or as the only one of a folder', async () => {
    const folder = await folderWith('small.gguf');
    const file = join(folder, 'small.gguf');
    for (const path of [file, folder]) {
      expect(await opened(path)).toEqual({ format: 'GGUF, as trained', path: file, files: ['small.gguf'] });
      expect(await weightFiles(path)).toEqual([file]);
    }
  });

  it('a packed folder, whose config.json says so', async () => {
    const folder = join(await temporaryFolder(), 'packed');
    await writePacked(await randomExport(1, await temporaryFolder()), folder);
    expect(await opened(folder)).toMatchObject({ format: 'packed', path: folder });
  });
});

it('leaves the choice to the user where a folder holds several GGUF files', async () => {
  const folder = await folderWith('a-F16.gguf', 'a-Q4_K.gguf');
  expect(await thrownBy(() => openCheckpoint(folder))).toMatchObject({
    code: 'model/not-a-model-folder',
    found: 'several GGUF files, a-F16.gguf among them',
    remedy: 'choose one of the GGUF files itself',
  });
});

it('refuses a file that only has the name of one', async () => {
  const path = join(await temporaryFolder(), 'model.gguf');
  await writeFile(path, 'GGUF');
  expect((await thrownBy(() => openCheckpoint(path))).code).toBe('weights/malformed');
});
