import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Corpus } from '../../../main/engine/text/corpus.ts';
import { openCorpus } from '../../../main/engine/text/corpus.ts';
import type { DocumentMode } from '../../../main/engine/text/segments.ts';
import { drawSegments } from '../../../main/engine/text/segments.ts';
import type { TextTokenizer } from '../../../main/engine/text/tokenizer.ts';
import type { Progress } from '../../../shared/progress.ts';
import { DEMO, loadDemoTokenizer } from './demo-tokenizer.ts';
import { folderWith } from './temporary-folder.ts';

let tokenizer: TextTokenizer;
beforeAll(async () => {
  tokenizer = await loadDemoTokenizer();
});

async function corpusOf(texts: readonly string[]): Promise<Corpus> {
  const folder = await folderWith({
    'a.jsonl': texts.map((text) => `${JSON.stringify({ text })}\n`).join(''),
  });
  return openCorpus([join(folder, 'a.jsonl')]);
}

/** One document after the other, as the rule is told. */
function drawOneByOne(texts: readonly string[], segments: number, length: number, seed: number): number[][] {
  const random = xoroshiro128plus(seed);
  const drawn: number[][] = [];
  while (drawn.length < segments) {
    const text = texts[uniformInt(random, 0, texts.length - 1)] ?? '';
    const fraction = uniformFloat64(random);
    const tokens = tokenizer.encode(text, { special: true });
    if (tokens.length <= length) continue;
    const start = Math.floor(fraction * (tokens.length - length));
    drawn.push([...tokens.subarray(start, start + length)]);
  }
  return drawn;
}

const words = fc
  .array(fc.constantFrom('whale', 'ship', 'Congress', 'the', '\n', 'of'), { maxLength: 60 })
  .map((list) => list.join(' '));

describe('drawSegments', () => {
  // Pinned: what a run recorded must give the same segments with every later version, on every platform.
  it('draws these segments from the bundled calibration text', async () => {
    const corpus = await openCorpus([`${DEMO}/calibration.txt`]);
    const options = { segments: 4, length: 512, seed: 0, documents: 'separate' } as const;
    const drawn = await drawSegments(corpus, tokenizer, options);
    expect(drawn.sources).toEqual([
      { document: 0, start: 103199 },
      { document: 0, start: 100082 },
      { document: 0, start: 3343 },
      { document: 0, start: 61159 },
    ]);
    expect(drawn.distinctTokens).toBe(2048);
    expect(drawn.record).toEqual({
      corpus: {
        paths: [`${DEMO}/calibration.txt`],
        files: 1,
        skipped: 0,
        sha256: '9fdb8e3e9e2aa2dc83842d942853f21de3d8196226d37eb5eb1aa76453f5b870',
        documents: 1,
        bytes: 400000,
      },
      segments: 4,
      length: 512,
      seed: 0,
      documents: 'separate',
    });
  });

  it('draws what drawing one document after the other gives', async () => {
    const property = fc.asyncProperty(
      fc.array(words, { minLength: 1, maxLength: 30 }),
      fc.integer(),
      fc.integer({ min: 1, max: 20 }),
      async (texts, seed, segments) => {
        const corpus = await corpusOf([
          ...texts,
          'one document that is long enough for a segment: whales and ships',
        ]);
        const all = [...texts, 'one document that is long enough for a segment: whales and ships'];
        const drawn = await drawSegments(corpus, tokenizer, {
          segments,
          length: 12,
          seed,
          documents: 'separate',
        });
        expect(drawn.segments.map((segment) => [...segment])).toEqual(drawOneByOne(all, segments, 12, seed));
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it('finds the one document that is long enough among a thousand', async () => {
    const texts = Array.from({ length: 1000 }, (_, i) => `a short document, number ${i}`);
    texts[321] = 'the whale '.repeat(50);
    const drawn = await drawSegments(await corpusOf(texts), tokenizer, {
      segments: 3,
      length: 40,
      seed: 1,
      documents: 'separate',
    });
    expect(drawn.segments.map((segment) => [...segment])).toEqual(drawOneByOne(texts, 3, 40, 1));
    expect(drawn.sources.map(({ document }) => document)).toEqual([321, 321, 321]);
  });

  it.each<DocumentMode>(['separate', 'joined'])(
    'cuts windows of the source tokens, %s',
    async (documents) => {
      const property = fc.asyncProperty(
        fc.array(words, { minLength: 2, maxLength: 10 }),
        fc.integer(),
        async (some, seed) => {
          const texts = [...some, 'whale ship the of Congress '.repeat(3)];
          const drawn = await drawSegments(await corpusOf(texts), tokenizer, {
            segments: 8,
            length: 10,
            seed,
            documents,
          });
          const sources = documents === 'joined' ? [texts.join('\n\n')] : texts;
          const covered = new Set<string>();
          for (const [i, { document, start }] of drawn.sources.entries()) {
            const tokens = tokenizer.encode(sources[document] ?? '', { special: true });
            expect(drawn.segments[i]).toEqual(tokens.slice(start, start + 10));
            expect(start).toBeLessThan(tokens.length - 10);
            for (let position = start; position < start + 10; position++)
              covered.add(`${document}:${position}`);
          }
          expect(drawn.segments.map((segment) => segment.length)).toEqual(Array<number>(8).fill(10));
          expect(drawn.distinctTokens).toBe(covered.size);
        },
      );
      await fc.assert(property, { numRuns: 40 });
    },
  );

  it('gives the same for the same seed and something else for another', async () => {
    const corpus = await corpusOf(['the whale '.repeat(200), 'Congress and the ship '.repeat(100)]);
    const draw = (seed: number) =>
      drawSegments(corpus, tokenizer, { segments: 4, length: 32, seed, documents: 'separate' });
    const first = await draw(7);
    expect(await draw(7)).toEqual(first);
    expect((await draw(8)).sources).not.toEqual(first.sources);
  });

  it.each([
    {
      what: 'documents that are long enough only together',
      ...{ texts: ['the whale', 'the ship', ''], length: 3, documents: 'separate' as const },
      expected: 'a document of more than 3 tokens',
      found: '3 documents, none so long, but more than 3 tokens together',
      remedy:
        'Join the documents into one text (--join-documents), or take shorter segments (--segment-length)',
    },
    {
      what: 'documents that are not even together',
      ...{ texts: ['the whale', 'the ship', ''], length: 4, documents: 'separate' as const },
      expected: 'a document of more than 4 tokens',
      found: '4 tokens in 3 documents',
      remedy: 'Give more text, or take shorter segments',
    },
    {
      what: 'a joined text',
      ...{ texts: ['the whale', 'the ship', ''], length: 100, documents: 'joined' as const },
      expected: 'more than 100 tokens',
      found: '7 tokens in the joined text',
      remedy: 'Give more text, or take shorter segments',
    },
    {
      what: 'no documents at all',
      ...{ texts: [], length: 4, documents: 'joined' as const },
      expected: 'more than 4 tokens',
      found: '0 tokens in the joined text',
      remedy: 'Give more text, or take shorter segments',
    },
  ])(
    'says how many tokens there are and what to do: $what',
    async ({ texts, length, documents, ...error }) => {
      const corpus = await corpusOf(texts);
      const { expected, found, remedy } = error;
      await expect(
        drawSegments(corpus, tokenizer, { segments: 1, length, seed: 0, documents }),
      ).rejects.toMatchObject({
        code: 'text/too-little',
        where: corpus.paths[0],
        ...{ expected, found, remedy },
      });
    },
  );

  it('needs one token more than a segment has', async () => {
    const text = 'The Union must be preserved.';
    const { length } = tokenizer.encode(text, { special: true });
    const corpus = await corpusOf([text]);
    const options = { segments: 2, seed: 0, documents: 'separate' } as const;
    const drawn = await drawSegments(corpus, tokenizer, { ...options, length: length - 1 });
    expect(drawn.sources).toEqual([
      { document: 0, start: 0 },
      { document: 0, start: 0 },
    ]);
    expect(drawn.distinctTokens).toBe(length - 1);
    await expect(drawSegments(corpus, tokenizer, { ...options, length })).rejects.toMatchObject({
      code: 'text/too-little',
    });
  });

  it('tells its progress in tokens', async () => {
    const seen: Progress[] = [];
    const corpus = await corpusOf(['the whale '.repeat(200)]);
    const onProgress = (progress: Progress): void => void seen.push(progress);
    await drawSegments(corpus, tokenizer, {
      segments: 2,
      length: 64,
      seed: 0,
      documents: 'separate',
      onProgress,
    });
    expect(seen.at(-1)).toEqual({
      phase: 'Drawing calibration segments',
      done: 128,
      total: 128,
      unit: 'tokens',
    });
  });

  it('ends with the reason of an abort, also between documents that are tokenized', async () => {
    const corpus = await corpusOf(Array.from({ length: 50 }, () => 'the whale '.repeat(20)));
    const reason = new Error('enough');
    const abort = new AbortController();
    const onProgress = ({ unit }: Progress): void => {
      if (unit === 'tokens') abort.abort(reason);
    };
    const options = {
      segments: 20,
      length: 10,
      seed: 0,
      documents: 'separate',
      onProgress,
      signal: abort.signal,
    } as const;
    await expect(drawSegments(corpus, tokenizer, options)).rejects.toBe(reason);
  });

  it('notices a text that loses documents between the first look and the drawing', async () => {
    const corpus = await corpusOf(['the whale '.repeat(20), 'the ship '.repeat(20)]);
    const path = corpus.paths[0] ?? '';
    const onProgress = ({ done, total }: Progress): void => {
      if (done === total) writeFileSync(path, '');
    };
    const options = { segments: 1, length: 5, seed: 0, documents: 'separate', onProgress } as const;
    await expect(drawSegments(corpus, tokenizer, options)).rejects.toMatchObject({
      code: 'text/malformed',
      where: path,
      found: 'fewer',
    });
  });
});
