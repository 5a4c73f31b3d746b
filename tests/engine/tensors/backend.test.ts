import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startBackend } from '../../../main/engine/tensors/backend.ts';

describe('startBackend', () => {
  it('starts once', async () => {
    expect(await startBackend()).toEqual({ name: 'wasm', description: 'WebAssembly SIMD, 1 thread' });
    expect(startBackend()).toBe(startBackend());
  });

  it('finds its files from any working directory', async () => {
    const backend = join(import.meta.dirname, '../../../main/engine/tensors/backend.ts');
    const program = `import(process.argv[1]).then(m => m.startBackend()).then(b => process.stdout.write(b.name))`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, backend], {
      cwd: tmpdir(),
    });
    expect(stdout).toBe('wasm');
  });
});
