/** npm run bench:loop [-- --size 4096 --bits 4 --runs 5] */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { benchColumnLoop } from './column-loop.ts';
import { benchProducts } from './product-rates.ts';
import { section } from './report.ts';

const options = z.object({
  size: z.coerce.number().int().min(96).max(16_384).default(4096),
  bits: z.coerce.number().int().min(1).max(8).default(4),
  runs: z.coerce.number().int().min(1).max(100).default(5),
});

const { values } = parseArgs({
  options: { size: { type: 'string' }, bits: { type: 'string' }, runs: { type: 'string' } },
});
const { size, bits, runs } = options.parse(values);
section('Column loop and matrix products');
const updates = await benchColumnLoop({ size, bits, runs });
await benchProducts(size, updates);
