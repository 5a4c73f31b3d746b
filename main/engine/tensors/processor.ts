/** What this machine's processor can do, where the system says so. */
import { readFileSync } from 'node:fs';

/**
 * Instruction sets as Linux names them on x86 (`avx`, `amx_bf16`); undefined on systems and processors that do not list them there.
 * @param cpuinfo text of /proc/cpuinfo
 */
export function instructionSets(cpuinfo: string): ReadonlySet<string> | undefined {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim() ?? '';
  return flags === '' ? undefined : new Set(flags.split(/\s+/));
}

let known: { readonly sets: ReadonlySet<string> | undefined } | undefined;

/** Those of this machine. */
export function processorInstructionSets(): ReadonlySet<string> | undefined {
  known ??= {
    sets: process.platform === 'linux' ? instructionSets(readFileSync('/proc/cpuinfo', 'utf8')) : undefined,
  };
  return known.sets;
}
