/** The command `claq`, which says at its end on stderr how much memory it had at its peak, in KiB. */
import { readFileSync, writeSync } from 'node:fs';

/**
 * Peak of the resident memory, in KiB. On Linux a process that was started from a large one begins with that one's peak in
 * getrusage; VmHWM is of this program alone. (As in bench/report-peak-memory.ts, which tests do not import.)
 */
function peakKibibytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

process.on('exit', () => writeSync(2, `peak ${String(peakKibibytes())} KiB\n`));
await import('../main/cli/claq.ts');
