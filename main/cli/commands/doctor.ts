import type { Command } from 'commander';
import { z } from 'zod';
import { doctorRequestSchema, type DoctorService } from '../../../shared/doctor.ts';
import { doctorText } from '../doctor-text.ts';
import { checkedRequest, engineOption } from '../option-values.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({ engine: z.string().optional(), json: z.boolean().default(false) });

const FLAGS = { engine: '--engine' };

const NOTES = `
Every engine that is there computes something small, in a process of its own. Ends with 0 where a run would find an engine,
with 1 where it would not, or where the engine that --engine names does not run. See docs/gpu.md.

Examples:
  claq doctor
  claq doctor --engine tensorflow-gpu`;

/** `claq doctor`: what a run would compute with here, and what is in the way of something better. */
export function registerDoctor(program: Command, service: () => Promise<DoctorService>): void {
  program
    .command('doctor')
    .summary('what computes on this machine, and what is missing')
    .description(
      'Says which engine a run would take, why the better ones are passed over, and what mends that. Changes nothing.',
    )
    .addOption(engineOption())
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', NOTES)
    .action(async (_options: unknown, command: Command) => {
      const { json, ...options } = optionsSchema.parse(command.opts());
      const request = checkedRequest(command, doctorRequestSchema, options, FLAGS);
      process.exitCode = await runCommand('doctor', { json }, async (hooks) => {
        const examine = await service();
        const report = await examine(request, hooks);
        return { value: report, text: () => doctorText(report), failed: report.taken === null };
      });
    });
}
