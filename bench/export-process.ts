/** Writes a run as one format and compares it, without the perplexity; prints the times. */
import { mkdtemp, open, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { hashFile } from '../main/engine/checkpoint/file-hash.ts';
import { exportFormat } from '../main/service/export-formats.ts';
import { openExportSource } from '../main/service/export-source.ts';
import { exportTargetSchema } from '../shared/exports.ts';
import type { ExportTimes } from './export-times.ts';

const [run, name, dtype] = z.tuple([z.string(), z.string(), z.string()]).parse(process.argv.slice(2));
const target = exportTargetSchema.parse({ format: name, dtype });
const source = await openExportSource(run, {});
const folder = await mkdtemp(join(tmpdir(), 'claq-bench-'));
try {
  const { checkpoint } = source;
  const files = checkpoint.shards.map(({ file }) => join(checkpoint.folder, file));
  const { format } = await exportFormat(source, target, 'model');
  await takeMemory(
    folder,
    format.files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const write = await seconds(async () => {
    for (const file of format.files) await file.write(folder, () => undefined);
    await format.writeSmallFiles(folder);
  });
  const verify = await seconds(() => format.verify(folder, {}));
  const written = (await readdir(folder)).map((file) => join(folder, file));
  const sums = await seconds(async () => {
    for (const file of [...written, ...written]) await hashFile(file);
  });
  const times: ExportTimes = {
    sourceBytes: await bytesOf(files),
    writtenBytes: await bytesOf(written),
    write,
    verify,
    sums,
  };
  process.stdout.write(JSON.stringify(times));
} finally {
  await source.close();
  await rm(folder, { recursive: true });
}

/**
 * Writes as many bytes, and removes them: a virtual machine has given back what it did not use, and gets it again page by page, at a
 * third of the speed. Whatever is measured first would pay for that.
 */
async function takeMemory(parent: string, bytes: number): Promise<void> {
  const path = join(parent, 'room');
  const file = await open(path, 'w');
  try {
    const piece = Buffer.alloc(2 ** 22, 1);
    for (let done = 0; done < bytes; done += piece.length) await file.write(piece);
  } finally {
    await file.close();
    await rm(path);
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
