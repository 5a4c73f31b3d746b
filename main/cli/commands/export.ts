import { Option, type Command } from 'commander';
import { z } from 'zod';
import { EXPORT_DTYPES, EXPORT_FORMATS } from '../../../shared/exports.ts';
import { readableBytes, readableDuration } from '../../../shared/readable-quantities.ts';
import { exportRequestSchema, type ExportService } from '../../../shared/requests.ts';
import type { ExportSummary } from '../../../shared/summaries.ts';
import { checkedRequest } from '../option-values.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  out: z.string().optional(),
  to: z.string(),
  dtype: z.string().optional(),
  json: z.boolean().default(false),
});

const FLAGS = { source: 'RUN', out: '--out', 'target.format': '--to', 'target.dtype': '--dtype' };

const NOTES = `
Formats:
  dense    a Hugging Face folder with dequantized weights; dtypes source, f16, f32 (default: source)
  gguf     one file for llama.cpp, Ollama, LM Studio; dtypes f16, q8_0 (default: f16)
  packed   the small one, for transformers with trust_remote_code; keeps the dtype of what is not quantized

Whatever is written is opened again and compared, tensor by tensor and by its perplexity, before it gets its name. One that was
stopped goes on behind its last whole file when it is started again.

Examples:
  claq export runs/llama-7b-2.12-1 --to packed
  claq export runs/llama-7b-2.12-1 --to gguf --dtype q8_0 --out llama-7b-claq
  claq export llama-7b-packed --to gguf`;

/** `claq export RUN`: the quantized model of a run, or a packed model, as something that another program loads. */
export function registerExport(program: Command, exportQuantized: ExportService): void {
  program
    .command('export')
    .summary('write the quantized model of a run for other programs')
    .description(
      'Write the quantized model of a run, or a packed model, as something that another program loads.',
    )
    .argument('<run>', "folder of a run of 'claq quantize', or of a packed model")
    .addOption(new Option('--to <FORMAT>', 'what to write').choices(EXPORT_FORMATS).default('dense'))
    .addOption(new Option('--dtype <TYPE>', 'type of the weights').choices(EXPORT_DTYPES))
    .option('--out <DIR>', "folder to write (default: one inside of the run's, named after format and dtype)")
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', NOTES)
    .action(async (source: string, _options: unknown, command: Command) => {
      const { json, out, to: format, dtype } = optionsSchema.parse(command.opts());
      const target = { format, ...(dtype === undefined ? {} : { dtype }) };
      const request = checkedRequest(command, exportRequestSchema, { source, out, target }, FLAGS);
      process.exitCode = await runCommand('export', { json }, async (hooks) => {
        const summary = await exportQuantized(request, hooks);
        return { value: summary, text: () => exportText(summary) };
      });
    });
}

function exportText({ folder, files, bytes, seconds, target, check }: ExportSummary): string {
  const { perplexity, tensors, maxRounding } = check;
  const rounding = maxRounding === 0 ? 'exact' : `rounded by at most ${maxRounding.toPrecision(2)}`;
  return [
    `Exported to ${folder}`,
    `  ${target.format}, ${target.dtype}: ${files} files, ${readableBytes(bytes)}, in ${readableDuration(seconds)}`,
    `  read back: ${tensors} tensors, ${rounding}; perplexity ${perplexity.found.toFixed(3)}, of the run ${perplexity.expected.toFixed(3)}`,
    '',
  ].join('\n');
}
