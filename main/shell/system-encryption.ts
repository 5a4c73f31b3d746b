/** Encryption with the system's keyring: Keychain, DPAPI, or what the desktop of a Linux has. */
import { safeStorage } from 'electron';
import type { Encryption } from './token-store.ts';

export const systemEncryption: Encryption = {
  async isSecret() {
    if (!(await safeStorage.isAsyncEncryptionAvailable())) return false;
    // Of a Linux without a keyring, where the key is a constant.
    return process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text';
  },
  encrypt: (text) => safeStorage.encryptStringAsync(text),
  decrypt: async (encrypted) => (await safeStorage.decryptStringAsync(encrypted)).result,
};
