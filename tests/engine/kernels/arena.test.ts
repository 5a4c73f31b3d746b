import { describe, expect, it } from 'vitest';
import { Arena } from '../../../main/engine/kernels/arena.ts';
import { ClaqError } from '../../../shared/errors.ts';

const PAGE = 65_536;

describe('Arena', () => {
  it('hands out aligned memory, front to back, behind what the module keeps', () => {
    const arena = new Arena();
    const pointers = [arena.allocate(1), arena.allocate(100), arena.allocate(0), arena.allocate(64)];
    expect(pointers).toEqual([PAGE, PAGE + 64, PAGE + 192, PAGE + 192]);
    expect(arena.used).toBe(PAGE + 256);
  });

  it('gives back everything since a mark', () => {
    const arena = new Arena();
    arena.allocate(10);
    const mark = arena.mark();
    const first = arena.allocate(1000);
    arena.release(mark);
    expect(arena.allocate(1)).toBe(first);
  });

  it('grows as needed and keeps what it holds', () => {
    const arena = new Arena();
    expect(arena.memory.buffer.byteLength).toBe(PAGE);
    const floats = arena.copyFloats([1.5, -2]);
    const doubles = arena.copyDoubles([Math.PI]);
    const ints = arena.copyInts([-7, 8]);
    const bytes = arena.copyBytes([1, 255]);
    const words = arena.words([0xffff_0000, 3]);
    arena.allocate(10 * PAGE);
    expect(arena.memory.buffer.byteLength).toBe(12 * PAGE);
    expect([...arena.floats(floats, 2)]).toEqual([1.5, -2]);
    expect([...arena.doubles(doubles, 1)]).toEqual([Math.PI]);
    expect([...arena.ints(ints, 2)]).toEqual([-7, 8]);
    expect([...arena.bytes(bytes, 2)]).toEqual([1, 255]);
    expect([...arena.ints(words, 2)]).toEqual([-65_536, 3]);
  });

  it('refuses what 32-bit addresses cannot reach, and stays as it was', () => {
    const arena = new Arena();
    const mark = arena.mark();
    let error: unknown;
    try {
      arena.allocate(2 ** 32 - PAGE);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ClaqError);
    expect(error).toMatchObject({
      code: 'engine/out-of-memory',
      message: 'The matrix is too large for the 4 GiB of kernel memory',
      expected: 'at most 4294901760 bytes',
      found: '4294967296 bytes',
      remedy: 'calibrate with shorter segments, or quantize a model with smaller matrices',
    });
    expect(arena.used).toBe(mark);
    expect(arena.memory.buffer.byteLength).toBe(PAGE);
    expect(arena.allocate(8)).toBe(mark);
  });
});
