/** What NVIDIA's driver says of itself and its devices, asked through `nvidia-smi`, which comes with it. */
import type { DriverReport, GpuDevice } from '../../../shared/doctor.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { lastWords, type ProgramEnd, type ProgramOptions, runProgram } from '../run-program.ts';
import { deviceFault } from './card-requirement.ts';

/** A server whose eight cards sleep takes some ten seconds to answer; one whose driver hangs never does. */
const LIMIT_MILLISECONDS = 30_000;
/** More than any machine holds; what goes beyond it is not the answer of nvidia-smi. */
const MAX_DEVICES = 64;
const FIELDS = ['name', 'driver_version', 'memory.total'] as const;
/** Drivers before 510 do not know this field. */
const CAPABILITY_FIELD = 'compute_cap';
const MEBIBYTE = 2 ** 20;

/** `NVIDIA A100-SXM4-40GB, 550.54.15, 40960 MiB, 8.0`; a value that the driver cannot give is `[N/A]` or the like. */
const ROW =
  /^([^,[\]]{1,120}), (\d{2,4}(?:\.\d{1,4}){1,2})(?:, (?:(\d{1,9}) MiB|N\/A|\[[^\]]{1,60}\]))(?:, (?:(\d{1,2}\.\d)|N\/A|\[[^\]]{1,60}\]))?$/;

interface Row {
  readonly version: string;
  readonly device: Omit<GpuDevice, 'fault'>;
}

/**
 * Asks once, and once more without what old drivers do not know. A driver that is missing, broken or silent is an answer.
 *
 * @throws ClaqError run/cancelled
 */
export async function askNvidiaSmi(options: ProgramOptions): Promise<DriverReport> {
  const limited = { limitMilliseconds: LIMIT_MILLISECONDS, ...options };
  try {
    const end = await ask([...FIELDS, CAPABILITY_FIELD], limited);
    return readAnswer(isUnknownField(end) ? await ask(FIELDS, limited) : end);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'EACCES') return { state: 'missing' };
    throw error;
  }
}

function ask(fields: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  return runProgram('nvidia-smi', [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader'], options);
}

function isUnknownField({ code, stdout }: ProgramEnd): boolean {
  return code !== 0 && stdout.includes('is not a valid field');
}

function readAnswer(end: ProgramEnd): DriverReport {
  if (end.timedOut === true) return { state: 'failed', why: 'nvidia-smi does not answer' };
  if (end.stdout.startsWith('No devices were found'))
    return { state: 'failed', why: 'no devices were found' };
  if (end.code !== 0) return { state: 'failed', why: `nvidia-smi fails: ${shortened(lastWords(end))}` };
  const lines = end.stdout.trimEnd().split('\n');
  const rows = lines.slice(0, MAX_DEVICES + 1).map(readRow);
  const known = rows.filter((row) => row !== undefined);
  const [first] = known;
  if (first === undefined || known.length !== rows.length || rows.length > MAX_DEVICES)
    return {
      state: 'failed',
      why: `nvidia-smi gives an answer that cannot be read: ${shortened(lastWords(end))}`,
    };
  const { version } = first;
  const devices = known.map(({ device }) => ({ ...device, fault: deviceFault(device, version) }));
  return { state: 'found', version, devices };
}

function readRow(line: string): Row | undefined {
  const [, name, version, mebibytes, capability] = ROW.exec(line.trimEnd()) ?? [];
  if (name === undefined || version === undefined) return undefined;
  return {
    version,
    device: {
      name,
      memoryBytes: mebibytes === undefined ? null : Number(mebibytes) * MEBIBYTE,
      computeCapability: capability ?? null,
    },
  };
}

/** Another program's words, in a line of a report. */
function shortened(words: string): string {
  return words.length > 200 ? `${words.slice(0, 200)}...` : words;
}
