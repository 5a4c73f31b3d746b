/** The command `claq`, which says at its end on stderr how much memory it had at its peak, in KiB. */
import { writeSync } from 'node:fs';

process.on('exit', () => writeSync(2, `peak ${String(process.resourceUsage().maxRSS)} KiB\n`));
await import('../main/cli/claq.ts');
