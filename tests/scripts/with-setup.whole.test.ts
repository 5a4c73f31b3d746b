import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
const LAUNCHER = [
  'project.mjs',
  'setup-lock.mjs',
  'set-up.mjs',
  'run-on-project-node.mjs',
  'with-setup.mjs',
  'claq.mjs',
];

/** A project with these programs and one local package, for which npm needs no network, and the project's own launcher. */
async function projectWith(programs: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'claq-setup-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'scripts'));
  for (const name of LAUNCHER) await cp(join(SCRIPTS, name), join(root, 'scripts', name));
  await mkdir(join(root, 'tiny'));
  await writeFile(join(root, 'tiny/hello.js'), 'console.log("hello from a package");\n');
  await describePackages(root, '1.0.0');
  for (const [name, source] of Object.entries(programs)) await writeFile(join(root, name), source);
  return root;
}

/** Writes package.json and package-lock.json of a project whose package `tiny` has this version. */
async function describePackages(root: string, version: string, dependency = 'file:./tiny'): Promise<void> {
  const tiny = { version, bin: { hello: 'hello.js' } };
  const project = { name: 'small', version: '1.0.0', dependencies: { tiny: dependency } };
  const packages = { '': project, 'node_modules/tiny': { resolved: 'tiny', link: true }, tiny };
  const lock = { name: 'small', version: '1.0.0', lockfileVersion: 3, requires: true, packages };
  await writeFile(join(root, 'tiny/package.json'), JSON.stringify({ name: 'tiny', ...tiny }));
  await writeFile(join(root, 'package.json'), JSON.stringify({ ...project, type: 'module', private: true }));
  await writeFile(join(root, 'package-lock.json'), JSON.stringify(lock));
}

const manifestSchema = z.looseObject({ packages: z.record(z.string(), z.looseObject({})).optional() });

/** Adds an optional package that is made for a system that there is not, so that npm neither fetches nor installs it. */
async function addOptionalPackage(root: string): Promise<void> {
  const optionalDependencies = { 'for-another-system': '1.0.0' };
  const read = async (name: string) =>
    manifestSchema.parse(JSON.parse(await readFile(join(root, name), 'utf8')));
  const project = await read('package.json');
  await writeFile(join(root, 'package.json'), JSON.stringify({ ...project, optionalDependencies }));
  const { packages = {}, ...lock } = await read('package-lock.json');
  const absent = {
    version: '1.0.0',
    resolved: 'https://registry.npmjs.org/for-another-system/-/for-another-system-1.0.0.tgz',
    optional: true,
    os: ['no-such-system'],
  };
  await writeFile(
    join(root, 'package-lock.json'),
    JSON.stringify({
      ...lock,
      packages: {
        ...packages,
        '': { ...packages[''], optionalDependencies },
        'node_modules/for-another-system': absent,
      },
    }),
  );
}

/** Adds local packages whose install scripts leave a file, and approves them all. */
async function addPackagesWithScripts(root: string, names: readonly string[]): Promise<void> {
  const scripts = { install: "node -e \"fs.writeFileSync('ran', '')\"" };
  const read = async (name: string) =>
    manifestSchema.parse(JSON.parse(await readFile(join(root, name), 'utf8')));
  const dependencies: Record<string, string> = { tiny: 'file:./tiny' };
  const installed: Record<string, object> = {};
  for (const name of names) {
    const folder = `packages/${name}`;
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', scripts }));
    dependencies[name] = `file:./${folder}`;
    installed[folder] = { version: '1.0.0', hasInstallScript: true };
    installed[`node_modules/${name}`] = { resolved: folder, link: true };
  }
  const allowScripts = Object.fromEntries(names.map((name) => [name, true]));
  const project = { ...(await read('package.json')), dependencies, allowScripts };
  await writeFile(join(root, 'package.json'), JSON.stringify(project));
  const { packages = {}, ...lock } = await read('package-lock.json');
  const all = { ...packages, ...installed, '': { ...packages[''], dependencies } };
  await writeFile(join(root, 'package-lock.json'), JSON.stringify({ ...lock, packages: all }));
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function start(
  root: string,
  ...args: string[]
): { ended: Promise<Ended>; said(text: string): Promise<void>; kill(signal: NodeJS.Signals): void } {
  const child = spawn(process.execPath, [join(root, 'scripts/with-setup.mjs'), ...args], { stdio: 'pipe' });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, output, errors }));
  const said = async (text: string): Promise<void> => {
    while (!output.includes(text)) await once(child.stdout, 'data');
  };
  return { ended, said, kill: (signal) => void child.kill(signal) };
}

const run = (root: string, ...args: string[]): Promise<Ended> => start(root, ...args).ended;

describe('with-setup', () => {
  it('sets up once, with one line on stderr, and leaves stdout to the program', async () => {
    const root = await projectWith({
      'say.ts': 'const said: string[] = process.argv.slice(2);\nconsole.log(said.join());\n',
    });
    const first = await run(root, 'say.ts', 'a', '--b');
    expect(first).toMatchObject({ code: 0, output: 'a,--b\n' });
    expect(first.errors).toMatch(/^Setting up: [^\n]*\n$/);
    expect(await run(root, 'say.ts', 'again')).toEqual({ code: 0, output: 'again\n', errors: '' });
  });

  it('sets up again when package-lock.json asks for something else, and runs the programs of packages', async () => {
    const root = await projectWith({});
    const hello = { code: 0, output: 'hello from a package\n' };
    expect(await run(root, 'hello')).toMatchObject(hello);
    await describePackages(root, '1.0.1');
    const second = await run(root, 'hello');
    expect(second).toMatchObject(hello);
    expect(second.errors).toMatch(/^Setting up: /);
    expect(await run(root, 'hello')).toEqual({ ...hello, errors: '' });
  });

  it('sets up once where two start together', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    const both = await Promise.all([run(root, 'done.ts'), run(root, 'done.ts')]);
    expect(both.map(({ code, output }) => ({ code, output }))).toEqual(
      Array(2).fill({ code: 0, output: 'done\n' }),
    );
    const lines = both.flatMap(({ errors }) => errors.split('\n'));
    expect(lines.filter((line) => line.startsWith('Setting up'))).toHaveLength(1);
  });

  it('takes over the lock of a set-up that was killed', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    const gone = spawn(process.execPath, ['--version']);
    await once(gone, 'close');
    await mkdir(join(root, 'build/setup-claims'), { recursive: true });
    await writeFile(join(root, 'build/setup-claims', String(gone.pid)), '');
    expect(await run(root, 'done.ts')).toMatchObject({ code: 0, output: 'done\n' });
  });

  it('builds the kernels on the way, with their output beside its own', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    await writeFile(join(root, 'scripts/build-kernels.mjs'), 'console.log("kernels: built");\n');
    const { code, output, errors } = await run(root, 'done.ts');
    expect({ code, output, lastLine: errors.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      output: 'done\n',
      lastLine: 'kernels: built',
    });
    await writeFile(join(root, 'scripts/build-kernels.mjs'), 'process.exit(3);\n');
    expect(await run(root, 'done.ts')).toEqual({
      code: 1,
      output: '',
      errors: 'The kernels could not be built: see above.\n',
    });
  });

  it('shows what npm said where the packages cannot be installed, and runs nothing', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    await describePackages(root, '1.0.0', 'file:./absent');
    const { code, output, errors } = await run(root, 'done.ts');
    expect({ code, output }).toEqual({ code: 1, output: '' });
    expect(errors).toContain('The packages could not be installed.');
    expect(errors).toMatch(/npm error .*package-lock.json/);
  });

  it('says in one line which optional package is not for this machine, and goes on without it', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    await addOptionalPackage(root);
    const first = await run(root, 'done.ts');
    expect(first).toMatchObject({ code: 0, output: 'done\n' });
    expect(first.errors).toMatch(
      /^Setting up: [^\n]*\nOptional, not installed here, not needed: for-another-system\.\n$/,
    );
    expect(await run(root, 'done.ts')).toEqual({ code: 0, output: 'done\n', errors: '' });
  });

  it('runs no script of a package but that of `node`, which brings the program', async () => {
    const root = await projectWith({ 'done.ts': 'console.log("done");\n' });
    await addPackagesWithScripts(root, ['noisy', 'node']);
    expect(await run(root, 'done.ts')).toMatchObject({ code: 0, output: 'done\n' });
    const ran = ['noisy', 'node'].map((name) => existsSync(join(root, 'packages', name, 'ran')));
    expect(ran).toEqual([false, true]);
  });

  it('hands the exit code on', async () => {
    const root = await projectWith({ 'fail.ts': 'process.exit(7);\n' });
    expect((await run(root, 'fail.ts')).code).toBe(7);
  });

  it('hands a signal on, and lets the program end in its own way', async () => {
    const root = await projectWith({
      'wait.ts': `
        process.on('SIGINT', () => { console.log('ending'); process.exit(5); });
        setInterval(() => undefined, 1000);
        console.log('ready');
      `,
    });
    const program = start(root, 'wait.ts');
    await program.said('ready');
    program.kill('SIGINT');
    expect(await program.ended).toMatchObject({ code: 5, output: 'ready\nending\n' });
  });

  it('ends with 128 and the number of the signal that ended the program', async () => {
    const root = await projectWith({
      'wait.ts': 'setInterval(() => undefined, 1000);\nconsole.log("ready");\n',
    });
    const program = start(root, 'wait.ts');
    await program.said('ready');
    program.kill('SIGTERM');
    expect((await program.ended).code).toBe(143);
  });

  it('asks for a program', async () => {
    const { code, errors } = await run(await projectWith({}));
    expect({ code, errors }).toEqual({
      code: 2,
      errors: 'Usage: node scripts/with-setup.mjs PROGRAM [ARGUMENTS...]\n',
    });
  });
});
