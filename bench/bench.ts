/** npm run bench: all benchmarks one after another, each in a process of its own, so that none sees what another left. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

for (const part of ['loop.ts', 'quality.ts', 'memory.ts', 'e2e.ts', 'cost.ts']) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(part, import.meta.url))], {
    stdio: 'inherit',
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) process.exitCode = 1;
}
