import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Corpus } from '../../../main/engine/text/corpus.ts';
import { openCorpus } from '../../../main/engine/text/corpus.ts';
import type { TextTokenizer } from '../../../main/engine/text/tokenizer.ts';
import { folderTokenizer } from './folder-tokenizer.ts';
import { evaluationWindows } from '../../../main/engine/text/windows.ts';
import { DEMO, loadDemoTokenizer, modelOf } from './demo-tokenizer.ts';
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

describe('evaluationWindows', () => {
  it('cuts the bundled evaluation text into consecutive windows', async () => {
    const corpus = await openCorpus([`${DEMO}/evaluation.txt`]);
    const { windows, record } = await evaluationWindows(corpus, tokenizer, { length: 512, limit: 64 });
    const whole = tokenizer.encode(readFileSync(`${DEMO}/evaluation.txt`, 'utf8'), { special: true });
    expect(windows).toHaveLength(64);
    for (const [i, window] of windows.entries()) expect(window).toEqual(whole.slice(i * 512, (i + 1) * 512));
    expect(record).toEqual({
      corpus: {
        paths: [`${DEMO}/evaluation.txt`],
        files: 1,
        skipped: 0,
        sha256: '08ba90ef877de4b84eb7eee12243e6f2ce57db7728708b39474127d6d13b4d60',
        documents: 1,
        bytes: 404583,
      },
      windows: 64,
      length: 512,
    });
  });

  it('takes all whole windows without a limit, and no more than there are with a large one', async () => {
    const texts = ['', 'Call me Ishmael.', 'Some years ago', '', 'never mind how long precisely'];
    const whole = tokenizer.encode(texts.join('\n\n'), { special: true });
    const corpus = await corpusOf(texts);
    const { windows } = await evaluationWindows(corpus, tokenizer, { length: 4 });
    expect(windows).toHaveLength(Math.floor(whole.length / 4));
    expect(windows.flatMap((window) => [...window])).toEqual([...whole.slice(0, windows.length * 4)]);
    expect((await evaluationWindows(corpus, tokenizer, { length: 4, limit: 1000 })).windows).toEqual(windows);
  });

  it('gives under a limit the first windows of all', async () => {
    const paragraph = fc.array(
      fc.constantFrom('whale', 'ship.', '\n', '\n\n', ' ', '   ', '1851', '...', '!'),
      { maxLength: 200 },
    );
    const texts = fc.array(
      paragraph.map((list) => list.join(' ')),
      { minLength: 1, maxLength: 12 },
    );
    const names = ['llama2', 'llama3', 'qwen2'].map((name) =>
      join(import.meta.dirname, '../../golden/tokenizers', name),
    );
    for (const load of names.map((folder) => folderTokenizer(folder, modelOf(4096)))) {
      const other = await load;
      const property = fc.asyncProperty(texts, fc.integer({ min: 1, max: 6 }), async (some, limit) => {
        const corpus = await corpusOf([...some, 'the whale '.repeat(300)]);
        const all = await evaluationWindows(corpus, other, { length: 16 });
        const { windows } = await evaluationWindows(corpus, other, { length: 16, limit });
        expect(windows).toEqual(all.windows.slice(0, limit));
      });
      await fc.assert(property, { numRuns: 30 });
    }
  });

  it('reads no further than the limit asks for', async () => {
    const corpus = await corpusOf(
      Array.from({ length: 200 }, (_, i) => `Document ${i}: ${'the whale '.repeat(20)}`),
    );
    const encoded: number[] = [];
    const counting: TextTokenizer = {
      largestId: tokenizer.largestId,
      encode(text, options) {
        encoded.push(text.length);
        return tokenizer.encode(text, options);
      },
    };
    const { windows } = await evaluationWindows(corpus, counting, { length: 100, limit: 2 });
    expect(windows).toHaveLength(2);
    // 2 x 100 tokens x 6, and the rest of the sixth document.
    expect(encoded).toEqual([1282]);
  });

  it('puts BOS once, at the front', async () => {
    const llama = await folderTokenizer(
      join(import.meta.dirname, '../../golden/tokenizers/llama2'),
      modelOf(4096),
    );
    const { windows } = await evaluationWindows(await corpusOf(['one', 'two', 'three']), llama, {
      length: 2,
    });
    expect(windows.flatMap((window) => [...window]).filter((id) => id === 1)).toHaveLength(1);
    expect(windows[0]?.[0]).toBe(1);
  });

  it('needs one whole window', async () => {
    const corpus = await corpusOf(['the whale']);
    await expect(evaluationWindows(corpus, tokenizer, { length: 5 })).rejects.toMatchObject({
      code: 'text/too-little',
      expected: 'at least 5 tokens, one window',
      found: '2 tokens',
    });
  });

  it('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    const options = { length: 2, signal: AbortSignal.abort(reason) };
    await expect(evaluationWindows(await corpusOf(['the whale']), tokenizer, options)).rejects.toBe(reason);
  });
});
