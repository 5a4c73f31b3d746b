import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClaqError } from '../../../shared/errors.ts';
import { bytesPerElement, elementCount } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import {
  headerLength,
  LENGTH_BYTES,
  parseHeader,
} from '../../../main/engine/checkpoint/safetensors-header.ts';
import type { SafetensorsHeader } from '../../../main/engine/checkpoint/safetensors-header.ts';
import { encodeHeader } from '../../../main/engine/checkpoint/safetensors-writer.ts';
import { BROKEN_HEADERS } from './broken-headers.ts';
import { thrownBy } from './thrown.ts';

const SOURCE = { file: 'model.safetensors', code: 'weights/malformed', remedy: 'download it again' } as const;

function parse(json: string, dataBytes: number): SafetensorsHeader {
  const bytes = new TextEncoder().encode(json);
  return parseHeader(bytes, LENGTH_BYTES + bytes.length + dataBytes, SOURCE);
}

/** As the reader of a file does it: first the length, then that many bytes. */
function parseFile(file: Uint8Array): SafetensorsHeader {
  const length = headerLength(file.subarray(0, LENGTH_BYTES), file.length, SOURCE);
  return parseHeader(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length), file.length, SOURCE);
}

describe('a valid header', () => {
  it('gives tensors in the order of their bytes, with positions in the file', () => {
    const json =
      '{"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}';
    const header = parse(json, 16);
    const start = LENGTH_BYTES + json.length;
    expect([...header.tensors.values()]).toEqual([
      { name: 'a', dtype: 'F32', shape: [], position: start, bytes: 4 },
      { name: 'b', dtype: 'F16', shape: [2, 3], position: start + 4, bytes: 12 },
    ]);
    expect(header.metadata).toEqual(new Map([['format', 'pt']]));
  });

  it('may have no tensors, empty tensors, a tensor called __proto__ and spaces behind', () => {
    expect(parse('{}', 0).tensors.size).toBe(0);
    const json =
      '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"e":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}}   ';
    expect([...parse(json, 1).tensors.keys()]).toEqual(['e', '__proto__']);
  });
});

describe('the length', () => {
  const length = (value: bigint, fileSize: number): number => {
    const start = new Uint8Array(8);
    new DataView(start.buffer).setBigUint64(0, value, true);
    return headerLength(start, fileSize, SOURCE);
  };

  it('is read as u64 little-endian', () => {
    expect(length(258n, 1000)).toBe(258);
  });

  it('is at most 100 MB and lies inside the file', async () => {
    expect(await thrownBy(() => length(100_000_001n, 2 ** 40))).toMatchObject({
      code: 'weights/malformed',
      expected: 'at most 100000000 bytes',
      found: '100000001 bytes',
    });
    expect(await thrownBy(() => length(2n ** 64n - 1n, 2 ** 40))).toMatchObject({
      found: '18446744073709551615 bytes',
    });
    expect(await thrownBy(() => length(93n, 100))).toMatchObject({
      expected: '101 bytes or more',
      found: '100 bytes',
    });
    expect(await thrownBy(() => headerLength(new Uint8Array(7), 7, SOURCE))).toMatchObject({
      found: '7 bytes',
    });
  });
});

it.each(BROKEN_HEADERS)('refuses %s', async (_case, json, dataBytes, summary) => {
  const error = await thrownBy(() => parse(json, dataBytes));
  expect(error.code).toBe('weights/malformed');
  expect(error.message).toContain(summary);
  expect(error.where).toContain('model.safetensors');
  expect(error.expected).not.toBe('');
  expect(error.found).not.toBe('');
  expect(error.remedy).toBe('download it again');
});

it('names tensor, expected and found', async () => {
  const error = await thrownBy(() => parse('{"w":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,8]}}', 8));
  expect(error).toMatchObject({
    where: 'model.safetensors, tensor w',
    expected: '12 bytes for BF16 [2, 3]',
    found: '8 bytes',
  });
});

it('names a dtype that it does not know', async () => {
  const error = await thrownBy(() => parse('{"w":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}', 1));
  expect(error).toMatchObject({
    code: 'weights/unsupported-dtype',
    where: 'model.safetensors, tensor w',
    found: 'F4',
  });
});

it('refuses bytes that are not UTF-8', async () => {
  const json = Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d);
  expect((await thrownBy(() => parseHeader(json, 15, SOURCE))).message).toContain('not JSON');
});

describe('hostile input', () => {
  /** Either a header whose tensors tile the data exactly, or a ClaqError: never anything else. */
  function parsesSoundlyOrRefuses(file: Uint8Array): void {
    let header: SafetensorsHeader;
    try {
      header = parseFile(file);
    } catch (error) {
      if (error instanceof ClaqError) return;
      throw error;
    }
    let end = file.length - [...header.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    expect(end).toBeGreaterThanOrEqual(LENGTH_BYTES);
    for (const { position, bytes, dtype, shape } of header.tensors.values()) {
      expect(position).toBe(end);
      expect(bytes).toBe((elementCount(shape) ?? NaN) * bytesPerElement(dtype));
      end += bytes;
    }
    expect(end).toBe(file.length);
  }

  const tensor = fc.record({
    dtype: fc.constantFrom('F32', 'F16', 'BF16', 'U8', 'I64'),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
  });
  const validFile = fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 5 })
    .chain((names) =>
      fc.array(tensor, { minLength: names.length, maxLength: names.length }).map((tensors) => {
        const described = tensors.map(({ dtype, shape }, i) => ({ name: names[i] ?? '', dtype, shape }));
        const data = described.reduce(
          (sum, { dtype, shape }) => sum + (elementCount(shape) ?? 0) * bytesPerElement(dtype),
          0,
        );
        const header = encodeHeader(described, new Map([['format', 'pt']]));
        const file = new Uint8Array(header.length + data);
        file.set(header);
        return { file, described };
      }),
    );

  it('parses what the writer writes', () => {
    fc.assert(
      fc.property(validFile, ({ file, described }) => {
        const { tensors } = parseFile(file);
        expect(tensors.size).toBe(described.length);
        for (const { name, dtype, shape } of described)
          expect(tensors.get(name)).toMatchObject({ dtype, shape });
        parsesSoundlyOrRefuses(file);
      }),
      { numRuns: 300 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parsesSoundlyOrRefuses), { numRuns: 2000 });
  });

  it('takes any JSON', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(40), (json, data) => {
        const text = new TextEncoder().encode(json);
        const file = new Uint8Array(LENGTH_BYTES + text.length + data);
        new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
        file.set(text, LENGTH_BYTES);
        parsesSoundlyOrRefuses(file);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes any numbers in the right places', () => {
    const number = fc.oneof(
      fc.nat(20),
      fc.maxSafeInteger(),
      fc.double(),
      fc.constantFrom(-1, 2 ** 32, 2 ** 53, 1e300),
    );
    const entry = fc.record({
      dtype: fc.constantFrom('F32', 'F16', 'U8', 'F4', ''),
      shape: fc.array(number, { maxLength: 3 }),
      data_offsets: fc.array(number, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), entry), fc.nat(40), (header, data) => {
        const text = new TextEncoder().encode(JSON.stringify(header));
        const file = new Uint8Array(LENGTH_BYTES + text.length + data);
        new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
        file.set(text, LENGTH_BYTES);
        parsesSoundlyOrRefuses(file);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes a valid file with bytes changed, cut off or added', () => {
    const change = fc.record({
      at: fc.nat(),
      to: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789,[]{}":'))),
    });
    fc.assert(
      fc.property(
        validFile,
        fc.array(change, { maxLength: 4 }),
        fc.integer({ min: -20, max: 20 }),
        ({ file }, changes, longer) => {
          const changed = new Uint8Array(Math.max(0, file.length + longer));
          changed.set(file.subarray(0, changed.length));
          for (const { at, to } of changes) if (changed.length > 0) changed[at % changed.length] = to;
          parsesSoundlyOrRefuses(changed);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
