/**
 * Loaded into a child process with --import: when the process ends, writes the peak of its resident memory, in bytes, to
 * file descriptor 3.
 */
import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// A process that was forked from a large one inherits its peak in getrusage; VmHWM is of this program alone.
function peakBytes(): number {
  if (process.platform === 'linux') {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}

if (isMainThread) process.on('exit', () => writeSync(3, String(peakBytes())));
