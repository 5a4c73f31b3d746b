/** npm run bench: all benchmarks one after another, each in a process of its own, so that none sees what another left. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ENGINE = ['loop', 'quality', 'memory', 'e2e', 'cost', 'inspect', 'predicted-loss'];
// The first of these builds the page, which the start takes as it is.
const APP = [
  'renderer-columns',
  'cold-start',
  'renderer-updates',
  'library',
  'statistics',
  'budget',
  'openings',
];

for (const part of [...ENGINE, ...APP]) {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`${part}.ts`, import.meta.url))], {
    stdio: 'inherit',
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) process.exitCode = 1;
}
