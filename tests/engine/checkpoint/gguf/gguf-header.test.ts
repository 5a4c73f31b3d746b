import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGgufHeader } from '../../../../main/engine/checkpoint/gguf/gguf-header.ts';
import type { GgufHeader } from '../../../../main/engine/checkpoint/gguf/gguf-header.ts';
import { ClaqError } from '../../../../shared/errors.ts';
import { thrownBy } from '../thrown.ts';
import { VALUE, entryBytes, ggufBytes, joined, text, u32, u64 } from './gguf-bytes.ts';
import type { FileToWrite } from './gguf-bytes.ts';
import { goldenGguf } from './golden-gguf.ts';
import { floats } from './small-model.ts';

const parse = (bytes: Uint8Array): Promise<GgufHeader | undefined> =>
  parseGgufHeader(bytes, bytes.length, 'a.gguf');

async function parsed(file: FileToWrite): Promise<GgufHeader> {
  const header = await parse(ggufBytes(file));
  if (header === undefined) throw new Error('the header goes on');
  return header;
}

/** A file of one entry whose value is of `type` and has these bytes. */
const fileOfValue = (type: number, ...value: Uint8Array[]): Uint8Array =>
  joined([new TextEncoder().encode('GGUF'), u32(3), u64(0n), u64(1n), text('key'), u32(type), ...value]);

describe('the header of a GGUF file', () => {
  it('gives metadata of all types that are read', async () => {
    const { metadata } = await parsed({
      entries: [
        ['text', VALUE.text, 'naïve'],
        ['count', VALUE.u32, 4_000_000_000],
        ['long', VALUE.u64, 2n ** 40n],
        ['float', VALUE.f32, 1e-5],
        ['flag', VALUE.flag, true],
        ['numbers', VALUE.i32, [1, 2, 3]],
        ['texts', VALUE.text, ['\ufeff', '', 'b']],
        ['each', VALUE.u32, [8, 8]],
      ],
    });
    expect(metadata.text('text')).toBe('naïve');
    expect(metadata.count('count')).toBe(4_000_000_000);
    expect(metadata.count('long')).toBe(2 ** 40);
    expect(metadata.float('float')).toBe(1e-5);
    expect(metadata.flag('flag')).toBe(true);
    expect(metadata.numbers('numbers')).toEqual([1, 2, 3]);
    // A token may be nothing but a byte order mark.
    expect(metadata.texts('texts')).toEqual(['\ufeff', '', 'b']);
    expect(metadata.countOfAll('each')).toBe(8);
    expect(metadata.count('none')).toBeUndefined();
    expect([metadata.has('texts'), metadata.has('none')]).toEqual([true, false]);
  });

  it('refuses a value that is something else', async () => {
    const { metadata } = await parsed({
      entries: [
        ['a', VALUE.text, 'x'],
        ['b', VALUE.u32, [1, 2]],
      ],
    });
    expect(await thrownBy(() => metadata.count('a'))).toMatchObject({
      code: 'weights/malformed',
      where: 'a.gguf, a',
      expected: 'a whole number',
      found: '"x"',
    });
    expect((await thrownBy(() => metadata.countOfAll('b'))).expected).toBe(
      'the same whole number for all layers',
    );
    expect((await thrownBy(() => metadata.texts('b'))).expected).toBe('an array of strings');
  });

  it('gives tensors with their rows first, in the order of their bytes', async () => {
    const bytes = ggufBytes({ entries: [], tensors: [floats('a', [4, 2]), floats('b', [3])], version: 2 });
    const header = await parse(bytes);
    expect(
      [...(header?.tensors.values() ?? [])].map(({ name, shape, bytes: length }) => [name, shape, length]),
    ).toEqual([
      ['a', [2, 4], 32],
      ['b', [3], 12],
    ]);
    const { position = 0 } = header?.tensors.get('b') ?? {};
    expect([...new Float32Array(bytes.buffer, position, 3)]).toEqual([0, 1, 2]);
  });

  it('asks for more where the file goes on behind what was read', async () => {
    const bytes = ggufBytes({ entries: [['key', VALUE.text, 'x'.repeat(5000)]] });
    for (const length of [0, 3, 30, 1000, 5000]) {
      expect(await parseGgufHeader(bytes.subarray(0, length), bytes.length, 'a.gguf')).toBeUndefined();
    }
  });

  it("reads numbers that cross the parser's pieces of 2,000,000 bytes", async () => {
    const numbers = Uint32Array.from({ length: 900_000 }, (_, index) => index);
    const array = [u32(VALUE.array), u32(VALUE.u32), u64(900_000n), new Uint8Array(numbers.buffer)];
    const fixed = ggufBytes({ entries: [], entryCount: 2n }).subarray(0, 24);
    const header = await parse(
      joined([fixed, text('numbers'), ...array, entryBytes(['behind', VALUE.u32, 7])]),
    );
    expect(header?.metadata.numbers('numbers')?.at(-1)).toBe(899_999);
    expect(header?.metadata.count('behind')).toBe(7);
  });
});

describe('a file that is no GGUF file that is read', () => {
  const bigEndian = joined([new TextEncoder().encode('GGUF'), Uint8Array.of(0, 0, 0, 3), new Uint8Array(16)]);

  it.each<[string, Uint8Array, object]>([
    [
      'another file',
      new TextEncoder().encode('PK\u0003\u0004 and so on, for a while'),
      { code: 'weights/malformed', found: 'one that begins with "PK\\u0003\\u0004"' },
    ],
    ['an empty file', new Uint8Array(), { code: 'weights/malformed', found: '0 bytes' }],
    ['a big-endian file', bigEndian, { code: 'model/unsupported', message: 'The GGUF file is big-endian' }],
    ['version 1', ggufBytes({ entries: [], version: 1 }), { code: 'model/unsupported', found: 'version 1' }],
    ['version 4', ggufBytes({ entries: [], version: 4 }), { code: 'model/unsupported', found: 'version 4' }],
  ])('%s', async (_name, bytes, error) => {
    expect(await thrownBy(() => parse(bytes))).toMatchObject(error);
  });
});

describe('a length that cannot be believed', () => {
  const huge = 2n ** 60n;

  it.each<[string, Uint8Array, string]>([
    ['entries', ggufBytes({ entries: [], entryCount: huge }), 'at most 10000 entries of metadata'],
    ['tensors', ggufBytes({ entries: [], tensorCount: huge }), 'at most 65536 tensors'],
    ['a string', fileOfValue(VALUE.text, u64(huge)), 'at most 400000 bytes'],
    ['an array', fileOfValue(VALUE.array, u32(VALUE.u8), u64(huge)), 'at most 1000000 elements'],
    [
      'an array of strings',
      fileOfValue(VALUE.array, u32(VALUE.text), u64(1_000_001n)),
      'at most 1000000 elements',
    ],
    [
      'a string of an array',
      fileOfValue(VALUE.array, u32(VALUE.text), u64(1n), u64(huge)),
      'at most 400000 bytes',
    ],
    [
      'a key',
      joined([ggufBytes({ entries: [], entryCount: 1n }).subarray(0, 24), u64(65_536n)]),
      'at most 65535 bytes',
    ],
    [
      "a tensor's name",
      ggufBytes({ entries: [], tensors: [floats('x'.repeat(65), [4])] }),
      'at most 64 bytes',
    ],
  ])('%s', async (_name, bytes, expected) => {
    expect(await thrownBy(() => parse(bytes))).toMatchObject({ code: 'weights/malformed', expected });
  });

  it('inside its limit, but behind the end of the file', async () => {
    const bytes = fileOfValue(VALUE.text, u64(1000n));
    expect(await thrownBy(() => parse(bytes))).toMatchObject({
      code: 'weights/malformed',
      message: 'The GGUF file ends inside its header',
      found: `${bytes.length} bytes`,
    });
  });

  it('of many arrays together', async () => {
    const array = (key: string): Uint8Array =>
      joined([text(key), u32(VALUE.array), u32(VALUE.u8), u64(1_000_000n), new Uint8Array(1_000_000)]);
    const head = ggufBytes({ entries: [], entryCount: 5n }).subarray(0, 24);
    const bytes = joined([head, ...['a', 'b', 'c', 'd', 'e'].map(array)]);
    expect((await thrownBy(() => parse(bytes))).expected).toBe('at most 4000000 in all arrays');
  });
});

describe('a header that contradicts itself', () => {
  const entry = entryBytes(['key', VALUE.u32, 1]);
  const fixed = ggufBytes({ entries: [], entryCount: 2n }).subarray(0, 24);

  it.each<[string, Uint8Array, object]>([
    ['a key twice', joined([fixed, entry, entry]), { found: 'key again' }],
    [
      'a tensor twice',
      ggufBytes({ entries: [], tensors: [floats('a', [4]), floats('a', [4])] }),
      { found: 'a again' },
    ],
    ['a type of value that there is not', fileOfValue(13, u32(0)), { found: 'type 13' }],
    [
      'an array of arrays',
      fileOfValue(VALUE.array, u32(VALUE.array), u64(1n)),
      { found: 'arrays in an array' },
    ],
    ['text that is not UTF-8', joined([fixed, u64(1n), Uint8Array.of(0xff)]), { expected: 'UTF-8' }],
    [
      'five dimensions',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [4, 1, 1, 1, 1] }] }),
      { found: '5' },
    ],
    [
      'no dimension',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [] }] }),
      { found: '0' },
    ],
    [
      'an empty tensor',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [4, 0] }] }),
      { found: '[0, 4]' },
    ],
    [
      'a shape beyond 2^53',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [2 ** 30, 2 ** 30] }] }),
      { found: '[1073741824, 1073741824]' },
    ],
    [
      'a dimension beyond the parser',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [2n ** 40n] }] }),
      { message: 'The header of the GGUF file cannot be parsed' },
    ],
    [
      'rows that do not fit the type',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [40]), type: 8 }] }),
      { expected: 'rows of a multiple of 32 values, as Q8_0 has them' },
    ],
    [
      'data outside the file',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), dimensions: [400] }] }),
      { found: 'offset 0' },
    ],
    [
      'an offset outside the file',
      ggufBytes({ entries: [], tensors: [{ ...floats('a', [4]), offset: 2n ** 62n }] }),
      { found: `offset ${2n ** 62n}` },
    ],
    [
      'an offset that is not aligned',
      ggufBytes({ entries: [], tensors: [floats('a', [40]), { ...floats('b', [4]), offset: 8n }] }),
      { found: 'offset 8' },
    ],
    [
      'overlapping tensors',
      ggufBytes({ entries: [], tensors: [floats('a', [40]), { ...floats('b', [4]), offset: 32n }] }),
      { found: 'it 32 bytes behind their start' },
    ],
    ['an alignment of 48', ggufBytes({ entries: [['general.alignment', VALUE.u32, 48]] }), { found: '48' }],
    [
      'an alignment of 0',
      ggufBytes({ entries: [['general.alignment', VALUE.u32, 0]] }),
      { code: 'weights/malformed' },
    ],
    [
      'a huge alignment',
      ggufBytes({ entries: [['general.alignment', VALUE.u32, 2 ** 20]] }),
      { found: '1048576' },
    ],
  ])('%s', async (_name, bytes, error) => {
    expect(await thrownBy(() => parse(bytes))).toMatchObject({ code: 'weights/malformed', ...error });
  });

  it('is read with another alignment than 32', async () => {
    const entries = [['general.alignment', VALUE.u32, 64]] as const;
    const header = await parse(
      ggufBytes({ entries, tensors: [floats('a', [4]), floats('b', [4])], alignment: 64 }),
    );
    const positions = [...(header?.tensors.values() ?? [])].map(({ position }) => position % 64);
    expect(positions).toEqual([0, 0]);
  });
});

describe('random damage', () => {
  const sound = ['llama3.gguf', 'tokenizer-sentencepiece.gguf', 'types.gguf'].map(
    (name) => new Uint8Array(readFileSync(goldenGguf(name))),
  );
  const damage = fc.record({
    file: fc.constantFrom(...sound),
    // Most of it where lengths and types stand.
    changes: fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })),
      { maxLength: 6 },
    ),
    kept: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
  });

  it('of a header gives a header or a ClaqError', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(damage, async ({ file, changes, kept }) => {
        const bytes = file.slice(0, kept === null ? file.length : Math.floor(kept * file.length));
        for (const [place, value] of changes)
          bytes[Math.floor(place ** 4 * Math.min(bytes.length, 20_000))] = value;
        try {
          const header = await parse(bytes);
          for (const tensor of header?.tensors.values() ?? []) {
            expect(tensor.position + tensor.bytes).toBeLessThanOrEqual(bytes.length);
          }
        } catch (error) {
          if (!(error instanceof ClaqError)) throw error;
          refused += 1;
        }
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
