/** What else a machine does while it is measured: beside other programs it seems slower than it is. */
import { cpus } from 'node:os';

export interface ProcessorTime {
  /** Seconds of a clock. */
  readonly at: number;
  /** Seconds of all cores, since the machine was started, that anything computed in. */
  readonly busy: number;
  /** Those of this process, with all its threads. */
  readonly own: number;
}

export function processorTime(): ProcessorTime {
  const busy = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  const { user, system } = process.cpuUsage();
  return { at: performance.now() / 1000, busy: busy / 1000, own: (user + system) / 1e6 };
}

/** Cores that other programs kept busy in between, on average; 0 where the system does not say. */
export function otherCores(before: ProcessorTime, after: ProcessorTime): number {
  const others = after.busy - before.busy - (after.own - before.own);
  return Math.max(0, others / (after.at - before.at));
}

/** From half a core on, threads that wait for each other wait for the one that shares its core. */
const DISTURBING_CORES = 0.5;

/** Whether a measurement beside so much other work says too little of the machine. */
export function isDisturbed(cores: number): boolean {
  return cores >= DISTURBING_CORES;
}
