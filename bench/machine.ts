import { availableParallelism, cpus, loadavg } from 'node:os';

/** The machine that figures were taken on, in one line. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? process.arch;
  return `${model}, ${availableParallelism()} cores, Node ${process.versions.node}, V8 ${process.versions.v8}`;
}

/** A second line where something else is running: figures are then too low. Undefined on a quiet machine. */
export function loadWarning(): string | undefined {
  const load = loadavg()[0] ?? 0;
  return load < 0.5
    ? undefined
    : `Other programs are running (load ${load.toFixed(1)}): the times are too long.`;
}
