import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export interface BuiltRenderer {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Builds the renderer as it is now into a folder of its own. */
export async function buildRenderer(): Promise<BuiltRenderer> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-renderer-'));
  await build({
    configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}
