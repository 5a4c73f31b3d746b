/** The program `probe` (probe.ts). */
import { probeEngine, probeTaskSchema } from './probe.ts';

const task = probeTaskSchema.parse(JSON.parse(process.argv[2] ?? ''));
process.stdout.write(`\n${JSON.stringify(await probeEngine(task))}\n`);
