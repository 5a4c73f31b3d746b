import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRenderer } from '../../../main/service/serve/renderer-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-renderer-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html>');
});
afterEach(() => rm(folder, { recursive: true }));

describe('readRenderer', () => {
  it('finds files of known types, by their addresses', async () => {
    await writeFile(join(folder, 'assets', 'chart-AbCd_-12.js'), 'export {};');
    await writeFile(join(folder, 'assets', 'Inter.woff2'), 'wOF2');
    await writeFile(join(folder, 'notes.md'), 'a secret');
    await writeFile(join(folder, '.env'), 'a secret');
    const files = await readRenderer(folder);
    expect([...files].map(([path, { type, immutable }]) => [path, type, immutable]).sort()).toEqual([
      ['/assets/Inter.woff2', 'font/woff2', false],
      ['/assets/chart-AbCd_-12.js', 'text/javascript; charset=utf-8', true],
      ['/index.html', 'text/html; charset=utf-8', false],
    ]);
  });

  it('follows no links', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'claq-outside-'));
    await writeFile(join(outside, 'secret.js'), 'a secret');
    await symlink(join(outside, 'secret.js'), join(folder, 'secret.js'));
    await symlink(outside, join(folder, 'linked'));
    expect([...(await readRenderer(folder)).keys()]).toEqual(['/index.html']);
    await rm(outside, { recursive: true });
  });

  it('compresses what is long and not compressed yet', async () => {
    const text = 'body { margin: 0 }\n'.repeat(200);
    await writeFile(join(folder, 'page.css'), text);
    await writeFile(join(folder, 'icon.png'), text);
    const files = await readRenderer(folder);
    const css = files.get('/page.css');
    expect([css?.shrinks, files.get('/icon.png')?.shrinks, files.get('/index.html')?.shrinks]).toEqual([
      true,
      false,
      false,
    ]);
    expect(brotliDecompressSync((await css?.encoded('br')) ?? '').toString()).toBe(text);
    expect(gunzipSync((await css?.encoded('gzip')) ?? '').toString()).toBe(text);
    expect(await css?.encoded('br')).toBe(await css?.encoded('br'));
  });

  it('gives each contents a tag of its own', async () => {
    const before = (await readRenderer(folder)).get('/index.html')?.etag;
    await writeFile(join(folder, 'index.html'), '<!doctype htm>');
    const after = (await readRenderer(folder)).get('/index.html')?.etag;
    expect(before).toMatch(/^W\/"[\w-]{43}"$/);
    expect(after).not.toBe(before);
  });

  it('refuses a folder that is no page', async () => {
    await truncate(join(folder, 'index.html'), 65 * 1024 * 1024);
    await expect(readRenderer(folder)).rejects.toMatchObject({
      code: 'serve/window-not-built',
      where: folder,
    });
    await rm(join(folder, 'index.html'));
    await expect(readRenderer(folder)).rejects.toMatchObject({ found: 'no index.html' });
  });
});
