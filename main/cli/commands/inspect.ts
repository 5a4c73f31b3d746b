import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import { INSPECTED_S, type InspectionResult, type MatrixInspection } from '../../../shared/inspection.ts';
import { DEFAULT_OUTLIER_S } from '../../../shared/outlier-order.ts';
import {
  inspectRequestSchema,
  type InspectService,
  sensitivityRequestSchema,
  type SensitivityService,
} from '../../../shared/requests.ts';
import { inspectionText } from '../inspect-tables.ts';
import { writeInspectPage } from '../inspect-page/write-page.ts';
import { checkedRequest, engineOption, numberList, numberValue, wholeValue } from '../option-values.ts';
import { runCommand } from '../run-command.ts';
import { sensitivityText } from '../sensitivity-table.ts';

const optionsSchema = z.object({
  outlierS: z.number(),
  sValues: z.array(z.number()),
  layer: z.number().optional(),
  matrix: z.string().optional(),
  html: z.string().optional(),
  sensitivity: z.boolean().default(false),
  text: z.string().optional(),
  engine: z.string().optional(),
  json: z.boolean().default(false),
});

const FLAGS = {
  model: 'MODEL',
  outlierS: '--outlier-s',
  sValues: '--s-values',
  block: '--layer',
  matrix: '--matrix',
  text: '--text',
  engine: '--engine',
};

const EXAMPLES = `
Examples:
  claq inspect models/llama-7b
  claq inspect models/llama-7b --outlier-s 5 --layer 3 --matrix q
  claq inspect models/llama-7b --html outliers.html      one page to open in a browser, offline
  claq inspect models/llama-7b --sensitivity             with what the loss feels of each matrix's errors`;

/** What the command is made of. */
export interface InspectServices {
  readonly inspect: InspectService;
  readonly sensitivity: SensitivityService;
}

/** `claq inspect MODEL`: where the outliers are, from the weights alone; and where errors are felt, from gradients. */
export function registerInspect(program: Command, services: InspectServices): void {
  program
    .command('inspect')
    .summary('show where the outliers of a model are')
    .description(
      'Show where the outliers of a model are: the sorted outlier ratio of a matrix, the place of its top columns, and ' +
        'the outlier ratio of every layer and matrix. Reads the weights only; needs no calibration text, but for --sensitivity.',
    )
    .argument('<model>', 'folder of a Hugging Face model')
    .option(
      '-s, --outlier-s <S>',
      'an outlier has |w| >= S x the mean |w| of its matrix',
      numberValue,
      DEFAULT_OUTLIER_S,
    )
    .option('--s-values <LIST>', 'further S that the page can switch to', numberList, [...INSPECTED_S])
    .option(
      '--layer <N>',
      'layer of the matrix shown, from 0 (default: of the matrix with the most outliers)',
      wholeValue,
    )
    .option(
      '--matrix <NAME>',
      `matrix shown: ${MATRIX_KINDS.join(', ')} (default: the one with the most outliers)`,
    )
    .option('--html <FILE>', 'also write the pictures as one self-contained page')
    .option(
      '--sensitivity',
      "also take gradients: a forward and a backward pass over 2,048 tokens, for what the loss feels of each matrix's errors",
    )
    .option('--text <PATH>', 'calibration text for --sensitivity (default: the bundled text)')
    .addOption(engineOption())
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, _options: unknown, command: Command) => {
      const { layer, html, json, sensitivity, text, engine, ...options } = optionsSchema.parse(
        command.opts(),
      );
      const request = checkedRequest(
        command,
        inspectRequestSchema,
        { model, block: layer, ...options },
        FLAGS,
      );
      for (const option of ['text', 'engine']) {
        if (!sensitivity && command.getOptionValueSource(option) === 'cli') {
          command.error(`error: --${option}: goes with --sensitivity alone`);
        }
      }
      const gradients = sensitivity
        ? checkedRequest(command, sensitivityRequestSchema, { model, text, engine }, FLAGS)
        : undefined;
      process.exitCode = await runCommand('inspect', { json }, async (hooks) => {
        const result = await services.inspect(request, hooks);
        const sensed = gradients === undefined ? undefined : await services.sensitivity(gradients, hooks);
        const page = html === undefined ? undefined : resolve(html);
        if (page !== undefined) await writeInspectPage(page, basename(resolve(model)), result);
        return {
          value: { ...scriptResult(result), sensitivity: sensed, page },
          text: () =>
            [
              inspectionText(result, model),
              ...(sensed === undefined ? [] : [sensitivityText(sensed)]),
              ...(page === undefined ? [] : [`The page is ${page}\n`]),
            ].join('\n'),
        };
      });
    });
}

/** Every matrix with its figures; curve and top columns, which are long, of the shown matrix only. */
function scriptResult({ inspection, outlierS, shown, unused }: InspectionResult): Record<string, unknown> {
  return { ...inspection, matrices: inspection.matrices.map(withoutCurves), outlierS, shown, unused };
}

function withoutCurves(matrix: MatrixInspection): Record<string, unknown> {
  return {
    ...matrix,
    levels: matrix.levels.map(({ s, outliers, ratio, columnsWithAny, topShares }) => ({
      s,
      outliers,
      ratio,
      columnsWithAny,
      topShares,
    })),
  };
}
