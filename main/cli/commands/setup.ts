import { type Command, Option } from 'commander';
import { z } from 'zod';
import { readableBytes, readableDuration } from '../../../shared/readable-quantities.ts';
import {
  type SetupRemovalService,
  type SetupRemovalSummary,
  setupRequestSchema,
  type SetupService,
  type SetupSummary,
} from '../../../shared/requests.ts';
import { checkedRequest } from '../option-values.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  gpu: z.boolean().default(false),
  tensorflow: z.string().optional(),
  remove: z.boolean().default(false),
  json: z.boolean().default(false),
});

const FLAGS = { gpu: '--gpu', tensorflow: '--tensorflow' };

const NOTES = `
Needs Linux and a Python 3.9 or newer with pip, which fetches TensorFlow from the Python package index: 274 MB for CPUs,
3.3 GB for GPUs. A second call goes on where the first one stopped. It goes into ~/.cache/claq-studio/tensorflow, or the
folder that CLAQ_TENSORFLOW_HOME names. See docs/gpu.md.

Examples:
  claq setup
  claq setup --gpu
  claq setup --gpu --remove`;

const PURPOSE = { cpu: 'for CPUs', gpu: 'for GPUs' } as const;

/** `claq setup`: fetches TensorFlow, which computes faster than WebAssembly, and on GPUs. */
export function registerSetup(
  program: Command,
  service: () => Promise<{ setUp: SetupService; remove: SetupRemovalService }>,
): void {
  program
    .command('setup')
    .summary('set up TensorFlow, for CPUs or GPUs')
    .description(
      'Set up TensorFlow, the faster engine, for CPUs or for GPUs with CUDA. Without it the program computes with WebAssembly.',
    )
    .option('--gpu', 'TensorFlow with CUDA, for NVIDIA GPUs (default: for CPUs)')
    .option('--tensorflow <VERSION>', 'another version of TensorFlow that was tried')
    .addOption(
      new Option('--remove', 'remove it, and what was fetched for it, from the disk').conflicts('tensorflow'),
    )
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', NOTES)
    .action(async (_options: unknown, command: Command) => {
      const { remove, json, ...options } = optionsSchema.parse(command.opts());
      const request = checkedRequest(command, setupRequestSchema, options, FLAGS);
      process.exitCode = await runCommand('setup', { json }, async (hooks) => {
        const tensorflow = await service();
        if (remove) {
          const removed = await tensorflow.remove({ gpu: request.gpu });
          return { value: removed, text: () => removedLine(removed) };
        }
        const summary = await tensorflow.setUp(request, hooks);
        return { value: summary, text: () => doneLine(summary) };
      });
    });
}

function doneLine(summary: SetupSummary): string {
  const { tensorflow, variant, folder, bytes, alreadyThere, addon, seconds } = summary;
  const what = `TensorFlow ${tensorflow} ${PURPOSE[variant]} is set up`;
  const where = `${folder} (${readableBytes(bytes)})`;
  if (alreadyThere) return `${what} already in ${where}.\n`;
  const how = addon === 'built' ? 'its addon built here' : 'its addon came with the program';
  return `${what} in ${where}, ${how}, in ${readableDuration(seconds)}.\n`;
}

function removedLine({ variant, folder, bytes }: SetupRemovalSummary): string {
  if (bytes === 0) return `There is no TensorFlow ${PURPOSE[variant]} in ${folder}: nothing to remove.\n`;
  return `Removed TensorFlow ${PURPOSE[variant]} from ${folder}: ${readableBytes(bytes)} freed.\n`;
}
