import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCorpus } from '../../../main/engine/text/corpus.ts';
import { DOCUMENT_LIMIT_BYTES } from '../../../main/engine/text/document-limits.ts';
import { describeCorpus, readDocuments, surveyCorpus } from '../../../main/engine/text/documents.ts';
import type { Progress } from '../../../shared/progress.ts';
import { folderWith } from './temporary-folder.ts';

const PARQUET = fileURLToPath(new URL('../../golden/parquet', import.meta.url));
const PARQUET_TEXTS = [
  'Call me Ishmael.',
  '',
  '日本語 🐋',
  'one line\nand another',
  'the same',
  'the same',
  'x'.repeat(1000),
];

async function documentsAt(...paths: string[]): Promise<string[]> {
  return Array.fromAsync(readDocuments(await openCorpus(paths), { phase: 'Reading' }));
}

async function documentsIn(files: Readonly<Record<string, string | Uint8Array>>): Promise<string[]> {
  return documentsAt(await folderWith(files));
}

const lines = (texts: readonly string[]): string =>
  texts.map((text) => JSON.stringify({ text }) + '\n').join('');

/** A gzip file ends with the checksum and the length of what it holds, 4 bytes each. */
function damagedChecksum(gzipped: Buffer): Buffer {
  return gzipped.fill(0xff, gzipped.length - 8, gzipped.length - 4);
}

describe('plain text', () => {
  it('is one document, without the byte order mark', async () => {
    expect(await documentsIn({ 'a.txt': '\uFEFFone\n\ntwo\n', 'b.txt': '' })).toEqual(['one\n\ntwo\n', '']);
  });

  it('must be UTF-8', async () => {
    const folder = await folderWith({ 'a.txt': Uint8Array.of(0x63, 0x61, 0x66, 0xe9) });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: join(folder, 'a.txt'),
      expected: 'UTF-8',
    });
  });

  it('must not be longer than a document may be', async () => {
    const folder = await folderWith({ 'a.txt': '' });
    await truncate(join(folder, 'a.txt'), DOCUMENT_LIMIT_BYTES + 1);
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      expected: 'at most 33554432 bytes a document',
    });
  });
});

describe('JSON lines', () => {
  it('gives the field text of every line, whatever ends the lines', async () => {
    const content = '{"text":"one","url":"u"}\r\n\n  \n{"id":2,"text":"a\\nb \\ud83d\\udc0b"}\n{"text":""}';
    expect(await documentsIn({ 'a.jsonl': content })).toEqual(['one', 'a\nb 🐋', '']);
    expect(await documentsIn({ 'a.json.gz': gzipSync(content), 'b.jsonl.gz': gzipSync('') })).toEqual([
      'one',
      'a\nb 🐋',
      '',
    ]);
  });

  it('reads gzip files of several members, as they are made by joining files', async () => {
    expect(
      await documentsIn({ 'a.json.gz': Buffer.concat([gzipSync(lines(['a'])), gzipSync(lines(['b']))]) }),
    ).toEqual(['a', 'b']);
  });

  it('gives back any texts, also where lines cross the chunks that are read', async () => {
    const long = fc.integer({ min: 0, max: 400_000 }).map((length) => 'é'.repeat(length));
    const property = fc.asyncProperty(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), long), { maxLength: 8 }),
      async (texts) => {
        expect(await documentsIn({ 'a.jsonl': lines(texts), 'b.json.gz': gzipSync(lines(texts)) })).toEqual([
          ...texts,
          ...texts,
        ]);
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it.each([
    ['not json', 'a line that is not JSON'],
    ['{"text":"cut sho', 'a line that is not JSON'],
    ['["text"]', 'an array'],
    ['null', 'null'],
    ['"text"', 'a string'],
    ['{"content":"a","url":"b"}', 'the fields content, url'],
    ['{}', 'the fields (none)'],
    ['{"text":null}', 'a field `text` that is null'],
    ['{"text":["a"]}', 'a field `text` that is of type object'],
  ])('refuses the line %s', async (line, found) => {
    const folder = await folderWith({ 'a.jsonl': `{"text":"fine"}\n\n${line}\n` });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: `${join(folder, 'a.jsonl')}, line 3`,
      expected: 'a JSON object with a field `text` that is a string',
      found,
    });
  });

  it('refuses a line that is not UTF-8', async () => {
    const content = Buffer.concat([
      Buffer.from('{"text":"fine"}\n{"text":"'),
      Buffer.of(0xff),
      Buffer.from('"}\n'),
    ]);
    const folder = await folderWith({ 'a.json.gz': gzipSync(content) });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: `${join(folder, 'a.json.gz')}, line 2`,
    });
  });

  it('refuses a small file that unpacks to an endless line, without unpacking it whole', async () => {
    const folder = await folderWith({ 'a.json.gz': gzipSync(Buffer.alloc(2 * DOCUMENT_LIMIT_BYTES, ' ')) });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: `${join(folder, 'a.json.gz')}, line 1`,
      expected: 'at most 33554432 bytes a document',
    });
  });

  it.each([
    ['cut short', gzipSync(lines(['some text'])).subarray(0, -10), 'unexpected end of file'],
    ['not gzipped', Buffer.from(lines(['some text'])), 'incorrect header check'],
    ['damaged', damagedChecksum(gzipSync(lines(['some text']))), 'incorrect data check'],
  ])('refuses a gzip file that is %s', async (_, content, found) => {
    const folder = await folderWith({ 'a.json.gz': content });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: join(folder, 'a.json.gz'),
      found,
    });
  });
});

describe('Parquet', () => {
  it.each(['none', 'snappy', 'zstd', 'gzip', 'plain-pages-v2', 'large-string'])(
    'gives the column text of %s',
    async (name) => {
      expect(await documentsAt(`${PARQUET}/${name}.parquet`)).toEqual(PARQUET_TEXTS);
    },
  );

  it('can be empty', async () => {
    expect(await documentsAt(`${PARQUET}/no-rows.parquet`)).toEqual([]);
  });

  it.each([
    ['no-text-column', '', 'a column `text` of strings', 'the columns id, content'],
    ['text-of-numbers', '', 'a column `text` of strings', 'a column `text` of another type'],
    ['text-of-lists', '', 'a column `text` of strings', 'a column `text` of another type'],
    ['missing-text', ', row 5', 'a text in every row', 'no value'],
    ['invalid-utf8', ', column `text`', 'UTF-8', 'bytes that no UTF-8 text contains'],
  ])('refuses %s', async (name, place, expected, found) => {
    const where = `${PARQUET}/${name}.parquet${place}`;
    await expect(documentsAt(`${PARQUET}/${name}.parquet`)).rejects.toMatchObject({
      code: 'text/malformed',
      where,
      expected,
      found,
    });
  });

  it.each(['plain-pages-v2', 'snappy'])(
    'gives texts or a clear error for %s with any damage',
    async (name) => {
      const whole = readFileSync(`${PARQUET}/${name}.parquet`);
      const damage = fc.record({
        at: fc.nat(whole.length - 1),
        value: fc.nat(255),
        end: fc.nat(whole.length),
      });
      const folder = await folderWith({});
      const property = fc.asyncProperty(damage, fc.boolean(), async ({ at, value, end }, cut) => {
        const damaged = Uint8Array.from(whole);
        damaged[at] = value;
        await writeFile(join(folder, 'a.parquet'), cut ? damaged.subarray(0, end) : damaged);
        const outcome: unknown = await documentsAt(folder).catch((error: unknown) => error);
        if (!Array.isArray(outcome))
          expect(outcome).toMatchObject({ name: 'ClaqError', code: 'text/malformed' });
      });
      await fc.assert(property, { numRuns: 300 });
    },
  );

  it('refuses a page whose size leads the reader back: it would read it for ever', async () => {
    const damaged = readFileSync(`${PARQUET}/plain-pages-v2.parquet`);
    damaged[11] = 0;
    const folder = await folderWith({ 'a.parquet': damaged });
    await expect(documentsAt(folder)).rejects.toMatchObject({
      code: 'text/malformed',
      where: join(folder, 'a.parquet'),
    });
  });
});

describe('readDocuments', () => {
  it('reads mixed files in order', async () => {
    const folder = await folderWith({
      '1.parquet': readFileSync(`${PARQUET}/zstd.parquet`),
      '2.txt': 'plain',
      '3.jsonl': lines(['line']),
      '4.json.gz': gzipSync(lines(['zipped'])),
    });
    expect(await documentsAt(folder)).toEqual([...PARQUET_TEXTS, 'plain', 'line', 'zipped']);
    expect(await documentsAt(join(folder, '3.jsonl'), join(folder, '2.txt'))).toEqual(['line', 'plain']);
  });

  it('tells how much of the files is read, up to the end', async () => {
    const seen: Progress[] = [];
    const corpus = await openCorpus([await folderWith({ 'a.txt': 'abc', 'b.txt': 'defgh' })]);
    await describeCorpus(corpus, { onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ done, total, unit }) => ({ done, total, unit }))).toEqual([
      { done: 3, total: 8, unit: 'bytes' },
      { done: 8, total: 8, unit: 'bytes' },
    ]);
  });

  it('ends with the reason of an abort', async () => {
    const corpus = await openCorpus([await folderWith({ 'a.jsonl': lines(['a', 'b']) })]);
    const reason = new Error('enough');
    await expect(describeCorpus(corpus, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('says so when a file has gone', async () => {
    const folder = await folderWith({ 'a.txt': '', 'b.jsonl': '' });
    const corpus = await openCorpus([folder]);
    await rm(join(folder, 'b.jsonl'));
    await expect(describeCorpus(corpus)).rejects.toMatchObject({
      code: 'text/not-found',
      where: join(folder, 'b.jsonl'),
    });
  });
});

describe('describeCorpus', () => {
  it('counts documents and bytes and hashes each document with its length before it', async () => {
    const folder = await folderWith({ 'a.txt': 'né', 'b.md': '', 'c.jsonl': lines(['', 'x']) });
    const hashed = [
      Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]),
      'né',
      Buffer.alloc(8),
      Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]),
      'x',
    ];
    const hash = createHash('sha256');
    for (const part of hashed) hash.update(part);
    const corpus = await openCorpus([folder]);
    expect(await describeCorpus(corpus)).toEqual({
      paths: [folder],
      files: 2,
      skipped: 1,
      sha256: hash.digest('hex'),
      documents: 3,
      bytes: 4,
    });
    expect((await surveyCorpus(corpus)).documentBytes).toEqual([3, 0, 1]);
  });

  it('gives the same hash for the same documents in other files, and another where they are cut elsewhere', async () => {
    const hashOf = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<string> =>
      (await describeCorpus(await openCorpus([await folderWith(files)]))).sha256;
    const expected = await hashOf({ 'a.txt': 'ab', 'b.txt': 'c' });
    expect(await hashOf({ 'a.json.gz': gzipSync(lines(['ab', 'c'])) })).toBe(expected);
    expect(await hashOf({ 'a.txt': 'a', 'b.txt': 'bc' })).not.toBe(expected);
    expect(await hashOf({ 'a.txt': 'c', 'b.txt': 'ab' })).not.toBe(expected);
  });
});
