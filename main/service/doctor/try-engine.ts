/** Tries an engine in a process of its own, so that one that crashes or hangs is a line of the report. */
import type { EngineName } from '../../../shared/engine.ts';
import { type ProbeAnswer, type ProbeTask, probeAnswerSchema } from '../../engine/tensors/probe.ts';
import { runOwnProgram } from '../own-program.ts';
import { lastLines, type ProgramEnd, type ProgramOptions } from '../run-program.ts';

/**
 * Time that an engine has, in milliseconds. TensorFlow loads in a second, from a slow disk in a minute; on a new card the
 * driver may compile its kernels for minutes when they are first used.
 */
const LIMIT_MILLISECONDS: Record<EngineName, number> = {
  'tensorflow-gpu': 600_000,
  'tensorflow-cpu': 120_000,
  wasm: 60_000,
};
/** Lines of the process that are shown where it failed, and how much of each. */
const SHOWN_LINES = 4;
const SHOWN_CHARACTERS = 300;

/** What TensorFlow writes before a message (`E0000 00:00:1731000000.123456 12345 cuda_platform.cc:52] `), and its preface. */
const LOG_PREFIX = /^[IWEF]\d{4} [\d:.]{1,40} +\d{1,12} [^\]]{1,120}\] /;
const LOG_PREFACE = 'WARNING: All log messages before absl::InitializeLog() is called are written to STDERR';

export type Trial =
  | Extract<ProbeAnswer, { runs: true }>
  | {
      readonly runs: false;
      readonly why: string;
      /** Last lines that its process said. */
      readonly said: readonly string[];
      /** Whether it took its process along. */
      readonly fatal: boolean;
    };

/** @throws ClaqError run/cancelled */
export async function tryEngine(task: ProbeTask, options: ProgramOptions): Promise<Trial> {
  const limitMilliseconds = options.limitMilliseconds ?? LIMIT_MILLISECONDS[task.engine];
  const end = await runOwnProgram('probe', [JSON.stringify(task)], {
    ...options,
    limitMilliseconds,
    env: {
      ...options.env,
      // Warnings and errors: why there is no device stands nowhere else.
      TF_CPP_MIN_LOG_LEVEL: options.env['TF_CPP_MIN_LOG_LEVEL'] ?? '1',
    },
  });
  const answer = answerOf(end);
  if (answer?.runs === true) return answer;
  const said = saidBy(end);
  if (answer !== undefined) return { ...answer, said, fatal: false };
  return { runs: false, why: endOf(end, limitMilliseconds), said, fatal: true };
}

/** Its last line; undefined where it did not come that far. */
function answerOf({ code, stdout }: ProgramEnd): ProbeAnswer | undefined {
  if (code !== 0) return undefined;
  try {
    return probeAnswerSchema.parse(JSON.parse(lastLines(stdout, 1)[0] ?? ''));
  } catch {
    return undefined;
  }
}

function endOf({ code, signal, timedOut }: ProgramEnd, limitMilliseconds: number): string {
  if (timedOut === true) return `it gives no answer in ${limitMilliseconds / 1000} seconds`;
  return signal === undefined
    ? `it ends its process with code ${code ?? 'unknown'}`
    : `it ends its process (${signal})`;
}

function saidBy({ stderr }: ProgramEnd): string[] {
  return lastLines(stderr.replaceAll(LOG_PREFACE, ''), SHOWN_LINES).map((line) =>
    line.replace(LOG_PREFIX, '').slice(0, SHOWN_CHARACTERS),
  );
}
