import { sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appFile } from '../../main/shell/app-files.ts';

const FOLDER = '/opt/claq/build/renderer';

describe('appFile', () => {
  it.each([
    ['claq://app/', '/opt/claq/build/renderer/index.html', 'text/html; charset=utf-8'],
    ['claq://app/index.html', '/opt/claq/build/renderer/index.html', 'text/html; charset=utf-8'],
    ['claq://app/runs/12?tab=log#top', '/opt/claq/build/renderer/index.html', 'text/html; charset=utf-8'],
    [
      'claq://app/assets/main-B7x_3kQp.js',
      '/opt/claq/build/renderer/assets/main-B7x_3kQp.js',
      'text/javascript; charset=utf-8',
    ],
    ['claq://app/assets/inter.woff2', '/opt/claq/build/renderer/assets/inter.woff2', 'font/woff2'],
    ['claq://app/a%20b.css', '/opt/claq/build/renderer/a b.css', 'text/css; charset=utf-8'],
    // A parser of addresses takes these away itself.
    [
      'claq://app/../../shell/main.js',
      '/opt/claq/build/renderer/shell/main.js',
      'text/javascript; charset=utf-8',
    ],
  ])('%s is %s', (address, path, type) => {
    expect(appFile(FOLDER, address)).toEqual({ path, type });
  });

  it.each([
    ['another host', 'claq://other/index.html'],
    ['another scheme', 'https://app/index.html'],
    ['an encoded way out', 'claq://app/..%2f..%2fshell%2fmain.js'],
    ['an encoded way out and in again', 'claq://app/..%2frenderer%2findex.html'],
    ['a way out by backslashes', 'claq://app/..%5c..%5cmain.js'],
    ['a null character', 'claq://app/index.html%00.js'],
    ['a malformed encoding', 'claq://app/%E0%A4%A.js'],
    ['a kind of file that no page is made of', 'claq://app/main.cjs'],
    ['a source map', 'claq://app/assets/main.js.map'],
    ['no address', 'index.html'],
  ])('%s names nothing', (_case, address) => {
    expect(appFile(FOLDER, address)).toBeUndefined();
  });

  it('never leaves the folder', () => {
    const piece = fc.constantFrom(
      '..',
      '.',
      '%2e%2e',
      '..%2f',
      '%5c..',
      '/',
      '//',
      '%00',
      'a',
      'b.js',
      '~',
      'C:',
      '',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const file = appFile(FOLDER, `claq://app/${pieces.join('/')}`);
        return (
          file === undefined || (file.path.startsWith(FOLDER + sep) && !file.path.split(sep).includes('..'))
        );
      }),
    );
  });
});
