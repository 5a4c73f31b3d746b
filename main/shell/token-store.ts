/** The user's token for the Hugging Face hub, encrypted with a key that the system's keyring holds. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { HubTokenState } from '../../shared/shell-contract.ts';

/** Electron's safeStorage, as far as it is used. */
export interface Encryption {
  /** Whether the key is a secret: without a keyring there is none, or one that is a constant. */
  isSecret(): Promise<boolean>;
  encrypt(text: string): Promise<Buffer>;
  decrypt(encrypted: Buffer): Promise<string>;
}

export class TokenStore {
  readonly #file: string;
  readonly #encryption: Encryption;
  #token: string | undefined;

  constructor(file: string, encryption: Encryption) {
    this.#file = file;
    this.#encryption = encryption;
  }

  get token(): string | undefined {
    return this.#token;
  }

  async state(): Promise<HubTokenState> {
    const isKept = await this.#encryption.isSecret();
    return { has: this.#token !== undefined, storage: isKept ? 'kept' : 'session' };
  }

  /** Reads the one that was kept. None where there is none, or none that this keyring's key fits: it is asked for again then. */
  async restore(): Promise<void> {
    try {
      // A system may ask the user before it opens the keyring: not without a reason.
      const encrypted = await readFile(this.#file);
      if (await this.#encryption.isSecret()) this.#token ??= await this.#encryption.decrypt(encrypted);
    } catch {
      return;
    }
  }

  async set(token: string): Promise<void> {
    this.#token = token;
    if (!(await this.#encryption.isSecret())) return;
    const unfinished = `${this.#file}.part`;
    await writeFile(unfinished, await this.#encryption.encrypt(token), { mode: 0o600 });
    await rename(unfinished, this.#file);
  }

  async clear(): Promise<void> {
    this.#token = undefined;
    await rm(this.#file, { force: true });
  }
}
