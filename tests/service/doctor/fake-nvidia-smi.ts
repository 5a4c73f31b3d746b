import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Environment in which `nvidia-smi` is this shell script, and nothing else is on the PATH. */
export async function withNvidiaSmi(folder: string, script: string): Promise<NodeJS.ProcessEnv> {
  const file = join(folder, 'nvidia-smi');
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return { PATH: folder };
}

/** A script that gives rows as nvidia-smi does, and nothing to other questions. */
export function answering(...rows: string[]): string {
  return [
    '[ "$1 $2" = "--query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader" ] || exit 2',
    ...rows.map((row) => `echo '${row}'`),
  ].join('\n');
}
