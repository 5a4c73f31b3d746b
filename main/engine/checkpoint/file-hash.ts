import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Read and hashed at a time. */
const PIECE_BYTES = 16 * 2 ** 20;

/**
 * SHA-256 of a file, in hexadecimal. Throws what the system throws.
 * @param onPiece called with the bytes of each piece that is done; what it throws ends the reading
 */
export async function hashFile(
  path: string,
  onPiece: (bytes: number) => void = () => undefined,
): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.max(1, (await file.stat()).size)));
    for (;;) {
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
      onPiece(bytesRead);
    }
  } finally {
    await file.close();
  }
}
