import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import { INSPECTED_S, type InspectionResult, type MatrixInspection } from '../../../shared/inspection.ts';
import { DEFAULT_OUTLIER_S } from '../../../shared/outlier-order.ts';
import { inspectRequestSchema, type InspectService } from '../../../shared/requests.ts';
import { inspectionText } from '../inspect-tables.ts';
import { writeInspectPage } from '../inspect-page/write-page.ts';
import { checkedRequest, numberList, numberValue, wholeValue } from '../option-values.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  outlierS: z.number(),
  sValues: z.array(z.number()),
  layer: z.number().optional(),
  matrix: z.string().optional(),
  html: z.string().optional(),
  json: z.boolean().default(false),
});

const FLAGS = {
  model: 'MODEL',
  outlierS: '--outlier-s',
  sValues: '--s-values',
  block: '--layer',
  matrix: '--matrix',
};

const EXAMPLES = `
Examples:
  claq inspect models/llama-7b
  claq inspect models/llama-7b --outlier-s 5 --layer 3 --matrix q
  claq inspect models/llama-7b --html outliers.html      one page to open in a browser, offline`;

/** `claq inspect MODEL`: where the outliers are, from the weights alone. */
export function registerInspect(program: Command, inspectModel: InspectService): void {
  program
    .command('inspect')
    .summary('show where the outliers of a model are')
    .description(
      'Show where the outliers of a model are: the sorted outlier ratio of a matrix, the place of its top columns, and ' +
        'the outlier ratio of every layer and matrix. Reads the weights only; needs no calibration text.',
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
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, _options: unknown, command: Command) => {
      const { layer, html, json, ...options } = optionsSchema.parse(command.opts());
      const request = checkedRequest(
        command,
        inspectRequestSchema,
        { model, block: layer, ...options },
        FLAGS,
      );
      process.exitCode = await runCommand('inspect', { json }, async (hooks) => {
        const result = await inspectModel(request, hooks);
        const page = html === undefined ? undefined : resolve(html);
        if (page !== undefined) await writeInspectPage(page, basename(resolve(model)), result);
        return {
          value: { ...scriptResult(result), page },
          text: () => inspectionText(result, model) + (page === undefined ? '' : `\nThe page is ${page}\n`),
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
