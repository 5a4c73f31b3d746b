import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Encryption, TokenStore } from '../../main/shell/token-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claq-token-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A keyring whose key is a number that is added to each byte. */
function keyring(key: number, isSecret = true): Encryption {
  const shift = (bytes: Buffer, by: number): Buffer => Buffer.from(bytes.map((byte) => (byte + by) & 255));
  return {
    isSecret: () => Promise.resolve(isSecret),
    encrypt: (text) => Promise.resolve(shift(Buffer.from(`key ${text}`), key)),
    decrypt(encrypted) {
      const text = shift(encrypted, -key).toString();
      return text.startsWith('key ')
        ? Promise.resolve(text.slice(4))
        : Promise.reject(new Error('another key'));
    },
  };
}

const file = (): string => join(folder, 'hub-token');

it('keeps a token encrypted, for this user alone', async () => {
  const store = new TokenStore(file(), keyring(3));
  expect(await store.state()).toEqual({ has: false, storage: 'kept' });
  await store.set('hf_abc');
  expect(store.token).toBe('hf_abc');
  expect(await store.state()).toEqual({ has: true, storage: 'kept' });
  expect(await readFile(file(), 'latin1')).toBe('nh|#kibdef');
  expect((await stat(file())).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['hub-token']);

  const next = new TokenStore(file(), keyring(3));
  expect(next.token).toBeUndefined();
  await next.restore();
  expect(next.token).toBe('hf_abc');
  await next.clear();
  expect(next.token).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

it('has none where the keyring has another key now, or the file is none of ours', async () => {
  await new TokenStore(file(), keyring(3)).set('hf_abc');
  const other = new TokenStore(file(), keyring(4));
  await other.restore();
  expect(await other.state()).toEqual({ has: false, storage: 'kept' });
  await writeFile(file(), '');
  const broken = new TokenStore(file(), keyring(3));
  await broken.restore();
  expect(broken.token).toBeUndefined();
});

it('writes nothing where no keyring keeps a secret: the token is forgotten with the program', async () => {
  const store = new TokenStore(file(), keyring(3, false));
  await store.set('hf_abc');
  expect(await store.state()).toEqual({ has: true, storage: 'session' });
  expect(await readdir(folder)).toEqual([]);
});

it('does not overwrite one that was set while the keyring was asked', async () => {
  await new TokenStore(file(), keyring(3)).set('hf_old');
  const store = new TokenStore(file(), keyring(3));
  const restored = store.restore();
  await store.set('hf_new');
  await restored;
  expect(store.token).toBe('hf_new');
});
