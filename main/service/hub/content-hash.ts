/** The hashes by which a hub knows a file's content. */
import { createHash, type Hash } from 'node:crypto';

/** `sha256:<hex>` of files in large storage (Git LFS, Xet), `git:<hex>` of those in git itself: SHA-1 over a header and the content. */
export const CONTENT_HASH = /^(sha256:[0-9a-f]{64}|git:[0-9a-f]{40})$/;

export interface HubFile {
  /** A plain file name, without folders. */
  readonly name: string;
  readonly bytes: number;
  /** As in CONTENT_HASH. */
  readonly hash: string;
}

/** Computes the hash of a file of the same kind and length as `file`, piece by piece. */
export class ContentHasher {
  readonly #kind: string;
  readonly #hash: Hash;

  constructor({ hash, bytes }: Pick<HubFile, 'hash' | 'bytes'>) {
    this.#kind = hash.startsWith('git:') ? 'git' : 'sha256';
    this.#hash = this.#kind === 'git' ? createHash('sha1').update(`blob ${bytes}\0`) : createHash('sha256');
  }

  update(piece: Uint8Array): void {
    this.#hash.update(piece);
  }

  /** Ends the hashing. */
  text(): string {
    return `${this.#kind}:${this.#hash.digest('hex')}`;
  }
}

/** The hash of a content that is in memory, of the same kind as `file`'s. */
export function contentHash(content: Uint8Array, file: HubFile): string {
  const hasher = new ContentHasher({ hash: file.hash, bytes: content.length });
  hasher.update(content);
  return hasher.text();
}
