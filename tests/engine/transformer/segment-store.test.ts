import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { outputErrorsSync } from '../../../main/engine/checkpoint/atomic-file.ts';
import { HostMemory } from '../../../main/engine/transformer/host-memory.ts';
import { SegmentStore } from '../../../main/engine/transformer/segment-store.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { openSpillFiles } from './open-spill-files.ts';

const spillFolder = mkdtempSync(join(tmpdir(), 'claq-segment-store-'));
afterAll(() => rmSync(spillFolder, { recursive: true }));

const float = fc.float({ noNaN: true });
const floats = (length: number): fc.Arbitrary<Float32Array> =>
  fc.array(float, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));

/** Lengths of segments, a budget that fits all, some or none of them, and writes of wholes and of parts. */
const cases = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }).chain((lengths) => {
  const writes = fc.integer({ min: 0, max: lengths.length - 1 }).chain((segment) => {
    const length = lengths[segment] ?? 0;
    return fc
      .tuple(fc.nat(length - 1), fc.boolean())
      .chain(([from, whole]) =>
        floats(whole ? length : length - from).map((values) => ({ segment, from, whole, values })),
      );
  });
  const bytes = 4 * lengths.reduce((sum, length) => sum + length, 0);
  return fc.record({
    lengths: fc.constant(lengths),
    bytes: fc.integer({ min: 0, max: bytes }),
    writes: fc.array(writes, { maxLength: 20 }),
  });
});

describe('SegmentStore', () => {
  it('gives what was written last, wherever it is kept, and leaves nothing behind', () => {
    fc.assert(
      fc.property(cases, ({ lengths, bytes, writes }) => {
        const memory = new HostMemory({ bytes, spillFolder });
        const store = new SegmentStore(lengths, memory);
        const plain = new Map<number, Float32Array>();
        for (const { segment, from, whole, values } of writes) {
          if (whole) {
            plain.set(segment, values.slice());
            store.write(segment, values);
          } else {
            const known = plain.get(segment) ?? new Float32Array(lengths[segment] ?? 0);
            known.set(values, from);
            plain.set(segment, known);
            store.writePart(segment, from, values);
          }
          for (const [written, expected] of plain) {
            expect(store.read(written)).toEqual(expected);
            expect(store.read(written, 1, expected.length)).toEqual(expected.slice(1));
          }
        }
        expect(memory.taken).toBeLessThanOrEqual(bytes);
        expect(readdirSync(spillFolder)).toEqual([]);
        store.dispose();
        expect(memory.taken).toBe(0);
        expect(openSpillFiles(spillFolder)).toBe(0);
      }),
    );
  });

  it('keeps the first segments in memory and the others in one file without a name', () => {
    const memory = new HostMemory({ bytes: 4 * 5, spillFolder });
    const store = new SegmentStore([2, 3, 1], memory);
    expect(memory.taken).toBe(20);
    const first = Float32Array.of(1, 2);
    store.write(0, first);
    store.write(1, Float32Array.of(3, 4, 5));
    expect(openSpillFiles(spillFolder)).toBe(0);
    const last = Float32Array.of(6);
    store.write(2, last);
    expect(openSpillFiles(spillFolder)).toBe(1);
    expect(readdirSync(spillFolder)).toEqual([]);
    expect(store.read(0)).toBe(first);
    expect(store.read(2)).toEqual(last);
    expect(store.read(2)).not.toBe(last);
    store.dispose();
    expect(openSpillFiles(spillFolder)).toBe(0);
  });

  it('leaves to the next store what the one before has not taken', () => {
    const memory = new HostMemory({ bytes: 20, spillFolder });
    const first = new SegmentStore([3], memory);
    const second = new SegmentStore([2, 1], memory);
    expect(memory.taken).toBe(20);
    first.dispose();
    expect(memory.taken).toBe(8);
    second.dispose();
    second.dispose();
    expect(memory.taken).toBe(0);
  });

  it('refuses what is not there and what does not fit', () => {
    const store = new SegmentStore([2, 2], new HostMemory({ bytes: 8, spillFolder }));
    for (const segment of [0, 1]) {
      expect(() => store.read(segment, 0, 3)).toThrow(`segment ${segment} ends before value 3`);
      expect(() => store.read(segment)).toThrow(`segment ${segment} has not come this far`);
      expect(() => store.write(segment, new Float32Array(3))).toThrow('has 2 values, not 3');
      expect(() => store.writePart(segment, 1, new Float32Array(2))).toThrow('has only 2 values');
    }
    expect(() => store.write(2, new Float32Array(2))).toThrow('no segment 2 among 2');
    store.dispose();
    expect(() => store.write(1, new Float32Array(2))).toThrow('the segments were disposed');
  });

  it('says where it cannot write', async () => {
    const missing = join(spillFolder, 'missing');
    const store = new SegmentStore([1], new HostMemory({ bytes: 0, spillFolder: missing }));
    const error = await thrownBy(() => store.write(0, new Float32Array(1)));
    expect(error).toMatchObject({ code: 'output/not-writable', where: missing });
    store.dispose();
  });

  it('says that a disk is full', async () => {
    const write = (): void => outputErrorsSync('its folder', () => writeFileSync('/dev/full', 'x'));
    expect(await thrownBy(write)).toMatchObject({ code: 'output/disk-full', where: 'its folder' });
  });
});
