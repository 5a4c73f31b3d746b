import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, it } from 'vitest';
import { openGguf } from '../../../../main/engine/checkpoint/gguf/open-gguf.ts';
import { loadTokenizer } from '../../../../main/engine/text/tokenizer.ts';
import { openCheckpoint } from '../../../../main/engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../../../../main/engine/evaluate/perplexity.ts';
import { llamaForTests } from '../../../clients/llama.ts';
import { startTestBackend } from '../../tensors/test-backend.ts';
import { choicesOf } from './teacher-forcing.ts';
const llama = await llamaForTests();
const root = join(import.meta.dirname, '../../../..');
beforeAll(startTestBackend);
  it('x', async () => {
    if ('missing' in llama) return;
    const text = await readFile(join(root, 'resources/demo-model/evaluation.txt'), 'utf8');
    for (const [name, folder] of [['demo', 'resources/demo-model/model'], ['smol', 'models/SmolLM2-135M-Instruct']] as const) {
      const source = await openCheckpoint(join(root, folder));
      const t = await loadTokenizer(source);
      const all = [...t.encode(text, { special: false })];
      const size = name === 'demo' ? 8 : 16;
      const prompts = Array.from({ length: name === 'demo' ? 200 : 60 }, (_, i) => all.slice(i * 131, i * 131 + size));
      const length = 256;
      const windows = Array.from({ length: name === 'demo' ? 4 : 2 }, (_, i) => all.slice(i * length, (i + 1) * length));
      const ours = await evaluatePerplexity({ checkpoint: source, windows: windows.map((w) => Int32Array.from(w)) });
      for (const type of ['F16', 'Q8_0'] as const) {
        const path = `/tmp/${name}-${type}.gguf`;
        const t0 = performance.now();
        const a = await llama.ask({ path, greedy: prompts.map((ids) => ({ ids, count: 32 })), windows });
        const t1 = performance.now();
        const nll = a.nll.flat();
        const ppl = Math.exp(nll.reduce((x, y) => x + y, 0) / nll.length);
        const written = await openGguf(path);
        const choices = await choicesOf(written, prompts.map((p, i) => [...p, ...a.greedy[i]!]), 32);
        const t2 = performance.now();
        await written.close();
        const rows = prompts.map((p, i) => ({ i, same: choices[i]!.every((c, k) => c.token === a.greedy[i]![k]), margin: Math.min(...choices[i]!.map((c) => c.margin)) }));
        console.log(name, type, 'ppl', ours.perplexity, ppl, ppl / ours.perplexity - 1, 'ms', t1 - t0, t2 - t1, 'same', rows.filter((r) => r.same).length, 'of', rows.length, 'worst margin of a differing', Math.max(0, ...rows.filter((r) => !r.same).map((r) => r.margin)));
        console.log(JSON.stringify(rows.sort((x, y) => y.margin - x.margin).slice(0, 8)));
      }
      await source.close();
    }
  });
