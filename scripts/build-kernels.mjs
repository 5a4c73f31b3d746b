// Compiles the AssemblyScript kernels, once with relaxed SIMD and once without, unless the build is newer than its sources.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const sources = new URL('../main/engine/kernels/assembly/', import.meta.url);
const build = new URL('../main/engine/kernels/build/', import.meta.url);
const stamp = new URL('sources.sha256', build);

const COMMON = [
  '--runtime',
  'stub',
  '--noAssert',
  '-O3',
  '--converge',
  '--importMemory',
  '--sharedMemory',
  '--initialMemory',
  '1',
  '--maximumMemory',
  '65535',
  '--enable',
  'simd',
  '--enable',
  'threads',
  '--use',
  'abort=',
];
const FLAVOURS = { relaxed: ['--enable', 'relaxed-simd'], simd: [] };

const hash = createHash('sha256').update(await readFile(new URL(import.meta.url)));
for (const name of (await readdir(sources)).sort())
  hash.update(name).update(await readFile(new URL(name, sources)));
const digest = hash.digest('hex');
const built = await readFile(stamp, 'utf8').catch(() => '');
if (built !== digest) {
  await mkdir(build, { recursive: true });
  for (const [flavour, options] of Object.entries(FLAVOURS)) {
    const file = fileURLToPath(new URL(`kernels-${flavour}.wasm`, build));
    const { error, stderr } = await asc.main([
      fileURLToPath(new URL('index.ts', sources)),
      '-o',
      `${file}.part`,
      ...COMMON,
      ...options,
    ]);
    if (error) {
      process.stderr.write(`${stderr.toString()}\n`);
      process.exit(1);
    }
    await rename(`${file}.part`, file);
  }
  await writeFile(stamp, digest);
  process.stdout.write('kernels: built\n');
}
