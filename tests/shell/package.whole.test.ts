/** The app as electron-builder packages it, with the same Electron as the other tests: what is in it, its fuses, and that it runs. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  readInstallation,
  TENSORFLOW_HOME_VARIABLE,
} from '../../main/engine/tensors/tensorflow/installation.ts';
import { TEST_ELECTRON_VERSION } from '../../scripts/electron-for-tests.ts';
import { DebuggedPage } from './debugged-page.ts';
import { buildApp, ELECTRON_ARGUMENTS, findElectron, ROOT, shimEnvironment } from './shell-under-test.ts';
import { startXServer, type XServer } from './x-server.ts';

const PATIENCE = { timeout: 120_000, interval: 100 };
/** For what fetches TensorFlow. */
const LONG_PATIENCE = { timeout: 300_000, interval: 250 };

const execute = promisify(execFile);

const electron = await findElectron();

describe.skipIf('missing' in electron)('the packaged app', () => {
  let folder: string;
  let app: string;

  beforeAll(async () => {
    if ('missing' in electron) return;
    folder = await mkdtemp(join(tmpdir(), 'claq-package-'));
    await buildApp();
    await bringAddon();
    const settings = await readFile(join(ROOT, 'electron-builder.yml'), 'utf8');
    const product = join(folder, 'product.yml');
    // A fuse that Electron 22 does not have yet.
    await writeFile(product, settings.replace(/^ *grantFileProtocolExtraPrivileges: .*\n/m, ''));
    const config = join(folder, 'package.json');
    await writeFile(
      config,
      JSON.stringify({
        extends: product,
        electronDist: electron.dist,
        electronVersion: TEST_ELECTRON_VERSION,
        directories: { output: folder },
        extraMetadata: { main: 'shim/packaged.cjs' },
        files: [{ from: 'tests/shell/shim', to: 'shim' }],
      }),
    );
    const builder = join(ROOT, 'node_modules', 'electron-builder', 'cli.js');
    await execute(process.execPath, [builder, '--linux', 'dir', '--x64', '--config', config], {
      cwd: ROOT,
      maxBuffer: 2 ** 26,
    });
    app = join(folder, 'linux-unpacked');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has its fuses set', async () => {
    // The wire stands behind this text: version, length, then a character a fuse (Electron's docs, "Fuses").
    const binary = await readFile(join(app, 'claq-studio'));
    const sentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
    const start = binary.indexOf(sentinel) + sentinel.length;
    expect(start).toBeGreaterThan(sentinel.length);
    const [version, length = 0] = binary.subarray(start, start + 2);
    expect(version).toBe(1);
    const [runAsNode, , nodeOptions, nodeInspect, asarIntegrity, onlyAsar] = binary
      .subarray(start + 2, start + 2 + length)
      .toString('latin1');
    expect({ runAsNode, nodeOptions, nodeInspect, asarIntegrity, onlyAsar }).toEqual({
      runAsNode: '0',
      nodeOptions: '0',
      nodeInspect: '0',
      asarIntegrity: '1',
      onlyAsar: '1',
    });
  });

  it('has addons and what compilers read outside of its archive, and no other files', async () => {
    const outside = join(app, 'resources', 'app.asar.unpacked');
    expect((await readdir(outside)).sort()).toEqual(['build', 'node_modules']);
    expect(await readdir(join(outside, 'build'), { recursive: true })).toEqual([
      'addon',
      'addon/linux-x64',
      'addon/linux-x64/tfjs_binding.node',
    ]);
    const unpacked = join(outside, 'node_modules');
    expect((await readdir(unpacked)).sort()).toEqual(['@tensorflow', 'better-sqlite3', 'node-api-headers']);
    expect(await readdir(join(unpacked, '@tensorflow'))).toEqual(['tfjs-node-gpu']);
    expect(await readdir(join(unpacked, 'better-sqlite3', 'prebuilds'))).toEqual(['linux-x64.node']);
    expect((await readdir(join(app, 'resources'))).sort()).toEqual(['app.asar', 'app.asar.unpacked']);
  });

  it('has an addon that loads on every system that TensorFlow does', async () => {
    const addon = join(app, PACKAGED_ADDON);
    const { stdout: needs } = await execute('readelf', ['--wide', '--dynamic', '--version-info', addon]);
    expect([...needs.matchAll(/R(?:UN)?PATH.*\[(.*)\]/g)].map(([, path]) => path)).toEqual([
      '$ORIGIN/../../deps/lib',
    ]);
    // The C library that TensorFlow's wheel asks for, and the C++ library of GCC 5.
    expect(newest(needs, 'GLIBC')).toBeLessThanOrEqual(2_027_000);
    expect(newest(needs, 'GLIBCXX')).toBeLessThanOrEqual(3_004_021);
    expect((await readFile(addon, 'latin1')).includes(ROOT)).toBe(false);
  });

  describe('when it is started', () => {
    let screen: XServer;
    let home: string;
    let child: ChildProcess;
    let page: DebuggedPage;

    beforeAll(async () => {
      screen = await startXServer();
      home = join(folder, 'home');
      child = spawn(join(app, 'claq-studio'), [...ELECTRON_ARGUMENTS, '--remote-debugging-port=0'], {
        env: {
          ...shimEnvironment({ display: screen.display, home }),
          // The shim unpacks the archive into a temporary folder.
          TMPDIR: folder,
          PATH: await pathWithPythonOnly(join(folder, 'programs')),
          [TENSORFLOW_HOME_VARIABLE]: join(home, 'tensorflow'),
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      page = await DebuggedPage.firstOf(await debuggerOf(child));
    });
    afterAll(async () => {
      const gone = once(child, 'exit');
      page.close();
      // As the system asks programs to end.
      child.kill('SIGTERM');
      expect(await gone).toEqual([0, null]);
      await screen.stop();
    });

    /** Presses a button of the page as soon as it can be pressed. */
    async function press(label: string): Promise<void> {
      const find = `[...document.querySelectorAll('button:enabled')].find((each) => each.innerText.trim() === '${label}')`;
      await expect.poll(() => page.evaluate(`${find} !== undefined`), PATIENCE).toBe(true);
      await page.evaluate(`${find}.click()`);
    }

    it('quantizes the demo model, with nothing but what was packaged', async () => {
      await press('Try the demo model');
      await press('Quantize');
      const run = join(home, 'data', 'claq-studio', 'runs', 'Demo-model-4-1');
      const matrices = (): Promise<string[]> => readdir(join(run, 'matrices')).catch(() => []);
      await expect.poll(matrices, PATIENCE).toContain('model.layers.0.self_attn.q_proj.safetensors');
      await press('Pause');
      await expect.poll(() => page.evaluate('document.body.innerText'), PATIENCE).toContain('Paused');
    });

    it('sets TensorFlow up without a compiler, with the addon that was packaged', async () => {
      await page.evaluate(`document.querySelector('a[href="/settings"]').click()`);
      await press('Set up (274 MB)');
      const text = (): Promise<unknown> => page.evaluate('document.body.innerText');
      await expect.poll(text, LONG_PATIENCE).toMatch(/A run computes with TensorFlow 2\.21\.0/);

      const tensorflow = join(home, 'tensorflow');
      const addon = await readFile(join(app, PACKAGED_ADDON));
      expect(await readInstallation('cpu', tensorflow)).toMatchObject({
        state: 'installed',
        record: { addon: { origin: 'shipped', sha256: createHash('sha256').update(addon).digest('hex') } },
      });
      const { stdout: report } = await execute(process.execPath, [join(ROOT, 'main/cli/claq.ts'), 'doctor'], {
        env: { ...process.env, [TENSORFLOW_HOME_VARIABLE]: tensorflow },
      });
      expect(report).toContain('addon 4.22.0 as it came with the program');
    });
  });
});

const PACKAGED_ADDON = 'resources/app.asar.unpacked/build/addon/linux-x64/tfjs_binding.node';

/** As `npm run dist`. The user's own TensorFlow, which tests do not see, may have one. */
async function bringAddon(): Promise<void> {
  await execute(process.execPath, [join(ROOT, 'scripts', 'build-addon.mjs')], {
    env: { ...process.env, [TENSORFLOW_HOME_VARIABLE]: '' },
  });
}

/** A PATH with no compiler and no Node on it. */
async function pathWithPythonOnly(programs: string): Promise<string> {
  const { stdout: python } = await execute('python3', ['-c', 'import sys; print(sys.executable, end="")']);
  await mkdir(programs);
  await writeFile(join(programs, 'python3'), `#!/bin/sh\nexec '${python}' "$@"\n`, { mode: 0o755 });
  return programs;
}

/** The newest version of a library that readelf names, 2.14 as 2014000. */
function newest(needs: string, library: string): number {
  const versions = [...needs.matchAll(new RegExp(`\\b${library}_([\\d.]+)`, 'g'))].map(([, version = '']) => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    return (major * 1000 + minor) * 1000 + patch;
  });
  return Math.max(...versions);
}

/** Address of the debugger, which Chromium says when it is up; the rest of what it says is read too, and goes nowhere. */
async function debuggerOf({ stderr }: ChildProcess): Promise<string> {
  if (stderr === null) throw new Error('it has no stderr');
  const address = Promise.withResolvers<string>();
  createInterface({ input: stderr })
    .on('line', (line) => {
      const [, found] = /^DevTools listening on (ws:.*)$/.exec(line) ?? [];
      if (found !== undefined) address.resolve(found);
    })
    .on('close', () => address.reject(new Error('it ended without a word of its debugger')));
  return await address.promise;
}
