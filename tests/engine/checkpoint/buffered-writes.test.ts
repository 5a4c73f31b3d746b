import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BufferedWrites } from '../../../main/engine/checkpoint/buffered-writes.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('buffered writes', () => {
  it('are in order whatever the pieces, whose memory may be used again', async () => {
    const path = join(await temporaryFolder(), 'file');
    const handle = await open(path, 'wx');
    const writes = new BufferedWrites(handle);
    const piece = new Uint8Array(9 * 2 ** 20);
    // Shorter than a buffer, as long, longer than two, and none.
    const lengths = [1, 0, 2 ** 20 - 1, 4 * 2 ** 20, piece.length, 3, 8 * 2 ** 20];
    for (const [index, length] of lengths.entries()) {
      await writes.append(piece.subarray(0, length).fill(index + 1));
    }
    await writes.finish();
    await handle.close();
    const expected = Buffer.concat(lengths.map((length, index) => Buffer.alloc(length, index + 1)));
    expect((await readFile(path)).equals(expected)).toBe(true);
  });

  it('throw the error of an earlier write', async () => {
    const path = join(await temporaryFolder(), 'file');
    await (await open(path, 'wx')).close();
    const handle = await open(path, 'r');
    const writes = new BufferedWrites(handle);
    // The first buffer is being written when this is fulfilled.
    await writes.append(new Uint8Array(4 * 2 ** 20));
    await expect(writes.append(new Uint8Array(4 * 2 ** 20))).rejects.toThrow('EBADF');
    await expect(writes.finish()).rejects.toThrow('EBADF');
    await writes.settle();
    await handle.close();
  });
});
