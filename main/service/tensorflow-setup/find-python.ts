/** The Python whose pip fetches the wheels. */
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { type ProgramOptions, runProgram } from '../run-program.ts';

/** Older ones are no longer maintained, and neither are their pips. */
const OLDEST_MINOR = 9;
const CANDIDATES = ['python3', 'python'] as const;
const ASK = `
import json, sys, importlib.util
print(json.dumps({"version": list(sys.version_info[:2]), "pip": importlib.util.find_spec("pip") is not None}))`;

const answerSchema = z.object({ version: z.tuple([z.int(), z.int()]), pip: z.boolean() });

const REMEDY =
  'install Python 3 with pip (Debian, Ubuntu: sudo apt install python3-pip; Fedora: sudo dnf install python3-pip), ' +
  'then run the set-up again';

/**
 * Name of a Python 3.9 or newer that has pip, found on the PATH.
 *
 * @throws ClaqError setup/python-missing, with the command that installs it; run/cancelled
 */
export async function findPython(options: ProgramOptions): Promise<string> {
  const seen: string[] = [];
  for (const program of CANDIDATES) {
    const answer = await ask(program, options);
    if (answer === undefined) continue;
    const [major, minor] = answer.version;
    if (major === 3 && minor >= OLDEST_MINOR && answer.pip) return program;
    seen.push(`${program} is Python ${major}.${minor}, ${answer.pip ? 'with' : 'without'} pip`);
  }
  throw new ClaqError('setup/python-missing', 'There is no Python with pip to fetch TensorFlow with', {
    where: 'PATH',
    expected: `python3, version 3.${OLDEST_MINOR} or newer, with pip`,
    found: seen.length === 0 ? 'no Python' : seen.join('; '),
    remedy: REMEDY,
  });
}

async function ask(
  program: string,
  options: ProgramOptions,
): Promise<z.infer<typeof answerSchema> | undefined> {
  try {
    const { code, stdout } = await runProgram(program, ['-c', ASK], options);
    return code === 0 ? answerSchema.parse(JSON.parse(stdout)) : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}
