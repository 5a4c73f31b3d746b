import type { Command } from 'commander';
import { z } from 'zod';
import { readableDuration } from '../../../shared/readable-quantities.ts';
import {
  DEFAULT_SEGMENT_LENGTH,
  evaluateRequestSchema,
  type EvaluateService,
} from '../../../shared/requests.ts';
import {
  checkedRequest,
  engineOption,
  forwardPrecisionOption,
  hostMemoryOption,
  wholeValue,
} from '../option-values.ts';
import { grouped } from '../progress-line.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  text: z.string().optional(),
  windows: z.number().optional(),
  context: z.number().optional(),
  threads: z.number().optional(),
  hostMemory: z.number().optional(),
  engine: z.string().optional(),
  forwardPrecision: z.string().optional(),
  json: z.boolean().default(false),
});

const FLAGS = {
  model: 'MODEL',
  text: '--text',
  windows: '--windows',
  contextLength: '--context',
  threads: '--threads',
  hostMemory: '--host-memory',
  engine: '--engine',
  forwardPrecision: '--forward-precision',
};

const EXAMPLES = `
Examples:
  claq evaluate models/llama-7b --text wikitext-2-test.txt
  claq evaluate runs/llama-7b-2.12-1 --windows 16`;

/** `claq evaluate MODEL`: perplexity by the GPTQ protocol. */
export function registerEvaluate(program: Command, evaluateModel: EvaluateService): void {
  program
    .command('evaluate')
    .summary('perplexity of a model or of a run')
    .description(
      'Perplexity of a model, or of the quantized model of a run, by the GPTQ protocol: the text as one stream of ' +
        'tokens, cut into windows, the mean negative log-likelihood over the windows, exponentiated.',
    )
    .argument('<model>', "folder of a Hugging Face model, or of a run of 'claq quantize'")
    .option(
      '--text <PATH>',
      'text: .txt, .jsonl, .jsonl.gz, .json.gz, .parquet or a folder of them (default: the bundled text)',
    )
    .option('--windows <N>', 'windows to score, from the start of the text (default: all)', wholeValue)
    .option(
      '--context <L>',
      `tokens of a window (default: the smaller of ${DEFAULT_SEGMENT_LENGTH} and the model's context)`,
      wholeValue,
    )
    .option('--threads <N>', 'threads to compute with (default: one for each core)', wholeValue)
    .addOption(hostMemoryOption())
    .addOption(engineOption())
    .addOption(forwardPrecisionOption())
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, _options: unknown, command: Command) => {
      const { json, context, ...options } = optionsSchema.parse(command.opts());
      const request = checkedRequest(
        command,
        evaluateRequestSchema,
        { model, contextLength: context, ...options },
        FLAGS,
      );
      process.exitCode = await runCommand('evaluate', { json }, async (hooks) => {
        const summary = await evaluateModel(request, hooks);
        return {
          value: summary,
          text: () =>
            [
              `Perplexity ${summary.perplexity.toFixed(3)}`,
              `  of ${summary.model}`,
              `  on ${summary.text} (sha256 ${summary.textSha256.slice(0, 12)}), ${summary.windows} windows of ${summary.contextLength} tokens, ${grouped(summary.tokens)} tokens scored`,
              `  by ${summary.engine}, ${summary.forwardPrecision}, in ${readableDuration(summary.seconds)}`,
              '',
            ].join('\n'),
        };
      });
    });
}
