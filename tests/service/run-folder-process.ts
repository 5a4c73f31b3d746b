/**
 * A process of its own that opens a run folder (request as JSON in its argument), says so in a line of JSON, and holds
 * the folder until its stdin closes.
 */
import { once } from 'node:events';
import { z } from 'zod';
import { openRunFolder } from '../../main/service/run-folder.ts';
import { ClaqError } from '../../shared/errors.ts';

const requestSchema = z.object({
  folder: z.string().optional(),
  model: z.string(),
  budget: z.string(),
  neededBytes: z.number(),
});

try {
  const run = await openRunFolder(requestSchema.parse(JSON.parse(process.argv[2] ?? '')));
  process.stdout.write(`${JSON.stringify({ folder: run.folder, existing: run.existing })}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await run.writeRun({ state: 'done' });
  await run.release();
} catch (error) {
  if (!(error instanceof ClaqError)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, found: error.found })}\n`);
}
