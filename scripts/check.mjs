// node scripts/with-setup.mjs scripts/check.mjs [--without-tests]
//
// Types, lint, layers, format and unit tests, two at a time: one line a step, and all that a step said where it fails.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectEnvironment, ROOT } from './project.mjs';

const LAYERS = ['shared', 'main', 'preload', 'renderer', 'tests', 'bench'].filter((name) =>
  existsSync(join(ROOT, name)),
);
const AT_ONCE = 2;

// Files that have not changed are not linted again. A rule that looks at types can miss what a change elsewhere means for
// them; a clean clone, as CI has, lints all.
const LINT_CACHE = ['--cache', '--cache-strategy', 'content', '--cache-location', 'build/eslint-cache'];

const FORMAT_CACHE = ['--cache', '--cache-strategy', 'content', '--cache-location', 'build/prettier-cache'];

/** What has not changed is not looked at again. */
function incremental(name) {
  return ['--noEmit', '--incremental', '--tsBuildInfoFile', `build/${name}.tsbuildinfo`];
}

// The longest first, so that the two lanes end at about the same time.
const STEPS = [
  { name: 'lint', program: 'eslint', args: ['.', ...LINT_CACHE] },
  { name: 'unit tests', program: 'vitest', args: ['run', '--project', 'unit'] },
  { name: 'types', program: 'tsc', args: [...incremental('types'), '-p', '.'] },
  { name: 'window types', program: 'vue-tsc', args: [...incremental('window-types'), '-p', 'renderer'] },
  { name: 'preload types', program: 'tsc', args: [...incremental('preload-types'), '-p', 'preload'] },
  { name: 'layers', program: 'depcruise', args: ['--config', '.dependency-cruiser.json', ...LAYERS] },
  { name: 'format', program: 'prettier', args: ['--check', '.', ...FORMAT_CACHE] },
];

/** Runs one step and prints its line. Returns whether it passed. */
function run({ name, program, args }) {
  const start = performance.now();
  const child = spawn(program, args, {
    cwd: ROOT,
    env: projectEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'passed' : 'FAILED'}  ${name.padEnd(13)} ${seconds.padStart(6)} s`);
      if (code !== 0) console.log(`\n${Buffer.concat(output).toString('utf8').trimEnd()}\n`);
      resolve(code === 0);
    });
  });
}

async function lane(queue, results) {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) results.push(await run(step));
}

const withoutTests = process.argv.includes('--without-tests');
const queue = STEPS.filter((step) => !(withoutTests && step.name === 'unit tests'));
const results = [];
await Promise.all(Array.from({ length: AT_ONCE }, () => lane(queue, results)));
process.exitCode = results.every(Boolean) ? 0 : 1;
