import { Option, type Command } from 'commander';
import { z } from 'zod';
import { readableBytes, readableDuration } from '../../../shared/readable-quantities.ts';
import { DENSE_DTYPES, exportRequestSchema, type ExportService } from '../../../shared/requests.ts';
import { checkedRequest } from '../option-values.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  out: z.string().optional(),
  dtype: z.string(),
  json: z.boolean().default(false),
});

const FLAGS = { run: 'RUN', out: '--out', dtype: '--dtype' };

const EXAMPLES = `
Example:
  claq export runs/llama-7b-2.12-1 --out llama-7b-claq-2.12`;

/** `claq export RUN`: the quantized model of a run as a folder that loads elsewhere. */
export function registerExport(program: Command, exportRun: ExportService): void {
  program
    .command('export')
    .summary('write the quantized model of a run as a Hugging Face folder')
    .description(
      'Write the quantized model of a run as a Hugging Face folder with dequantized weights: it loads wherever the ' +
        'original model loads. It is read back and compared after it is written.',
    )
    .argument('<run>', "folder of a run of 'claq quantize'")
    .option('--out <DIR>', 'folder to write (default: dense, dense-f16 or dense-f32 inside of the run)')
    .addOption(new Option('--dtype <TYPE>', 'type of the weights').choices(DENSE_DTYPES).default('source'))
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', EXAMPLES)
    .action(async (run: string, _options: unknown, command: Command) => {
      const { json, ...options } = optionsSchema.parse(command.opts());
      const request = checkedRequest(command, exportRequestSchema, { run, ...options }, FLAGS);
      process.exitCode = await runCommand('export', { json }, async (hooks) => {
        const summary = await exportRun(request, hooks);
        return {
          value: summary,
          text: () =>
            `Exported to ${summary.folder}: ${summary.files} files, ${readableBytes(summary.bytes)}, ${summary.dtype}, ` +
            `read back and compared, in ${readableDuration(summary.seconds)}\n`,
        };
      });
    });
}
