import { Option, type Command } from 'commander';
import { z } from 'zod';
import { DENSE_DTYPES } from '../../../shared/exports.ts';
import { CODEBOOK_FITS, COLUMN_ORDERS, METHODS } from '../../../shared/method.ts';
import { DEFAULT_SWEEPS, PLUS_TECHNIQUES } from '../../../shared/plus.ts';
import { DEFAULT_OUTLIER_S } from '../../../shared/outlier-order.ts';
import {
  DEFAULT_BITS,
  DEFAULT_COLUMN_ORDER,
  DEFAULT_PERCDAMP,
  DEFAULT_SEGMENTS,
  DEFAULT_SEGMENT_LENGTH,
  DEFAULT_WINDOWS,
  quantizeRequestSchema,
  type QuantizeService,
} from '../../../shared/requests.ts';
import {
  checkedRequest,
  engineOption,
  forwardPrecisionOption,
  hostMemoryOption,
  numberPair,
  numberValue,
  wholeValue,
} from '../option-values.ts';
import { withBudgetFile } from '../budget-file-option.ts';
import { quantizeText } from '../quantize-table.ts';
import { runCommand } from '../run-command.ts';

const optionsSchema = z.object({
  out: z.string().optional(),
  restart: z.boolean().default(false),
  storedBits: z.number().optional(),
  bits: z.number().optional(),
  ap: z.number().optional(),
  apWidths: z.tuple([z.number(), z.number()]).optional(),
  or: z.number().optional(),
  budget: z.string().optional(),
  orShares: z.tuple([z.number(), z.number()]).optional(),
  orColumns: z.number().optional(),
  outlierS: z.number(),
  columnOrder: z.string().optional(),
  codebookFit: z.string().optional(),
  method: z.string(),
  groupSize: z.number().optional(),
  plus: z.array(z.string()).optional(),
  strength: z.union([z.string(), z.number()]).optional(),
  sweeps: z.number().optional(),
  percdamp: z.number(),
  actOrder: z.boolean(),
  calibration: z.string().optional(),
  segments: z.number(),
  segmentLength: z.number().optional(),
  seed: z.number(),
  joinDocuments: z.boolean().default(false),
  evaluation: z.string().optional(),
  windows: z.number(),
  context: z.number().optional(),
  threads: z.number().optional(),
  hostMemory: z.number().optional(),
  deviceActivations: z.number().optional(),
  engine: z.string().optional(),
  trace: z.string().optional(),
  forwardPrecision: z.string().optional(),
  dtype: z.string(),
  export: z.boolean(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

const FLAGS = {
  model: 'MODEL',
  out: '--out',
  restart: '--restart',
  method: '--method',
  storedBits: '--stored-bits',
  'budget.bits': '--bits',
  'budget.apAverage': '--ap',
  'budget.apWidths': '--ap-widths',
  'budget.orBits': '--or',
  'budget.orShares': '--or-shares',
  'budget.orColumns': '--or-columns',
  outlierS: '--outlier-s',
  columnOrder: '--column-order',
  codebookFit: '--codebook-fit',
  groupSize: '--group-size',
  plus: '--plus',
  'plus.techniques': '--plus',
  'plus.strength': '--strength',
  'plus.sweeps': '--sweeps',
  percdamp: '--percdamp',
  'calibration.source': '--calibration',
  'calibration.segments': '--segments',
  'calibration.segmentLength': '--segment-length',
  'calibration.seed': '--seed',
  'evaluation.source': '--evaluation',
  'evaluation.windows': '--windows',
  'evaluation.contextLength': '--context',
  threads: '--threads',
  hostMemory: '--host-memory',
  deviceActivations: '--device-activations',
  engine: '--engine',
  trace: '--trace',
  forwardPrecision: '--forward-precision',
  exportDtype: '--dtype',
};

const EXAMPLES = `
Texts are .txt, .jsonl (field "text"), .jsonl.gz, .json.gz, .parquet files or folders of them.

Examples:
  claq quantize models/llama-7b --bits 4
  claq quantize models/llama-7b --bits 2.12 --calibration c4-train.00000-of-01024.json.gz
  claq quantize models/llama-7b --ap 2.1 --ap-widths 2,4 --or 0.07 --segments 64 --out runs/mine
  claq quantize models/llama-7b --budget mine.yaml
  claq quantize models/llama-7b --method claq-plus --stored-bits 2.45
  claq quantize models/llama-7b --method gptq --bits 3 --group-size 128`;

/** `claq quantize MODEL`: the main job. */
export function registerQuantize(program: Command, quantizeModel: QuantizeService): void {
  const command = program
    .command('quantize')
    .summary('quantize a model to 2-4 bits')
    .description(
      'Quantize the linear layers of a model column by column, measure perplexity before and after, and write the ' +
        'result as a run folder and as a Hugging Face folder that loads elsewhere.',
    )
    .argument('<model>', 'folder of a Hugging Face model')
    .option(
      '--out <DIR>',
      'folder of the run (default: runs/<model>-<budget>-<n>); one that was stopped goes on behind its last finished block',
    )
    .option(
      '--restart',
      'begin anew where the folder holds an unfinished run, also one whose record cannot be read',
    );
  addBudgetOptions(command);
  addMethodOptions(command);
  addTextOptions(command);
  command
    .optionsGroup('Output:')
    .addOption(
      new Option('--dtype <TYPE>', 'type of the exported weights').choices(DENSE_DTYPES).default('source'),
    )
    .option('--no-export', 'write the run folder only')
    .option('--threads <N>', 'threads to compute with (default: one for each core)', wholeValue)
    .addOption(hostMemoryOption())
    .option(
      '--device-activations <GB>',
      "memory of the card that hidden states may stay in, which saves most of their copies (default: none; beside it the card needs what New run's preview says)",
      numberValue,
    )
    .addOption(engineOption())
    .addOption(forwardPrecisionOption())
    .option('--trace <FILE>', 'write what ran when, to open in chrome://tracing or ui.perfetto.dev')
    .option('--json', 'one JSON event a line on stdout, for scripts')
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, _options: unknown, self: Command) => {
      const options = optionsSchema.parse(self.opts());
      refuseUnusedParts(self, options);
      const request = checkedRequest(self, quantizeRequestSchema, requestOf(model, options), FLAGS);
      process.exitCode = await runCommand('quantize', options, async (hooks) => {
        const asked =
          options.budget === undefined ? request : await withBudgetFile(request, options.budget, self);
        const summary = await quantizeModel(asked, hooks);
        return { value: summary, text: () => quantizeText(summary) };
      });
    });
}

function addBudgetOptions(command: Command): void {
  command
    .optionsGroup('Budget (bits a weight):')
    .option(
      '-b, --bits <N>',
      `1 to 8; the paper's 2.12, 2.24, 3.12 or 3.23 (AP + OR); or an AP average such as 2.1 (default: ${DEFAULT_BITS})`,
      numberValue,
    )
    .option(
      '--stored-bits <N>',
      'the most bits a weight that the packed matrices may take, codebooks and all: the average of AP follows from it, or what an allocation spends',
      numberValue,
    )
    .option(
      '--budget <FILE>',
      'all of this from a file, YAML or JSON: budgets by layer and by matrix too (docs/user-guide.md)',
    )
    .option('--ap <AVERAGE>', 'adaptive precision alone: width averaged over the columns', numberValue)
    .option(
      '--ap-widths <LO,HI>',
      'widths of adaptive precision, lowest and highest (default: 2,4 for an average between 2 and 3, else the two next to it)',
      numberPair,
    )
    .option(
      '--or <BITS>',
      'outlier reservation, bits as the paper counts them: 0.07 keeps 1 % of the weights, 1.4 % at each tail of the top columns and 0.4 % of the rest',
      numberValue,
    )
    .option(
      '--or-shares <TOP,REST>',
      'reserved at each tail of a column, percent up to 25: in the top columns, in the rest',
      numberPair,
    )
    .option(
      '--or-columns <PERCENT>',
      'columns that count as top columns, percent; the bits of --or stay, its shares follow (default: 10)',
      numberValue,
    );
}

function addMethodOptions(command: Command): void {
  command
    .optionsGroup('Method:')
    .addOption(
      new Option(
        '--method <NAME>',
        "claq = the paper's method; claq-plus = what lies beyond it, for the same bytes; reference = the authors' own choices; gptq and rtn = uniform grids to compare with",
      )
        .choices(METHODS)
        .default('claq'),
    )
    .option(
      '-s, --outlier-s <S>',
      'an outlier has |w| >= S x the mean |w| of its matrix',
      numberValue,
      DEFAULT_OUTLIER_S,
    )
    .addOption(
      new Option(
        '--column-order <ORDER>',
        `what gets the budget: outlier = the head of the Outlier Order gets the higher width and share; benefit = each column any width between the two and up to twice the top share, where it helps most, for the same stored bits (default: ${DEFAULT_COLUMN_ORDER}; with reference: outlier)`,
      ).choices(COLUMN_ORDERS),
    )
    .addOption(
      new Option(
        '--codebook-fit <SET>',
        'fit codebooks to the entries kept in codes, or to all (default: kept; with reference: all)',
      ).choices(CODEBOOK_FITS),
    )
    .option(
      '--group-size <N>',
      'gptq and rtn: columns that share a scale (default: the whole row)',
      wholeValue,
    )
    .option(
      '--plus <LIST>',
      `claq-plus: techniques to use, out of ${PLUS_TECHNIQUES.join(',')} (default: all)`,
      (list: string) => list.split(','),
    )
    .option(
      '--strength <PART>',
      "claq-plus: part of the model's drift that asymmetric and residual make up for, up to 1, or auto = by held-out segments (default: auto)",
      (part: string) => (part === 'auto' ? part : numberValue(part)),
    )
    .option(
      '--sweeps <N>',
      `claq-plus: sweeps of coordinate descent (default: ${DEFAULT_SWEEPS})`,
      wholeValue,
    )
    .option(
      '--percdamp <SHARE>',
      'damping of the Hessian, as a share of its mean diagonal',
      numberValue,
      DEFAULT_PERCDAMP,
    )
    .option('--no-act-order', 'take the columns as they stand, not by descending activation');
}

function addTextOptions(command: Command): void {
  command
    .optionsGroup('Calibration and evaluation:')
    .option('--calibration <PATH>', 'calibration text (default: the bundled text)')
    .option('--segments <N>', 'calibration segments', wholeValue, DEFAULT_SEGMENTS)
    .option(
      '--segment-length <L>',
      `tokens of a segment (default: the smaller of ${DEFAULT_SEGMENT_LENGTH} and the model's context)`,
      wholeValue,
    )
    .option('--seed <N>', 'seed of the choice of segments', wholeValue, 0)
    .option('--join-documents', 'let a segment run over the end of a document into the next one')
    .option('--evaluation <PATH>', 'evaluation text (default: the bundled text)')
    .option(
      '--windows <N>',
      'windows of the evaluation text, before and after; 0 for none',
      wholeValue,
      DEFAULT_WINDOWS,
    )
    .option(
      '--context <L>',
      `tokens of a window (default: the smaller of ${DEFAULT_SEGMENT_LENGTH} and the model's context)`,
      wholeValue,
    );
}

/** Parts of techniques that --plus leaves out. Records of earlier runs may have them, so the request's schema lets them be. */
function refuseUnusedParts(command: Command, { plus, strength, sweeps }: Options): void {
  if (plus === undefined) return;
  if (sweeps !== undefined && !plus.includes('sweeps')) {
    command.error('error: --sweeps: goes with the technique sweeps, which --plus leaves out');
  }
  if (strength !== undefined && !plus.includes('asymmetric') && !plus.includes('residual')) {
    command.error('error: --strength: goes with asymmetric or residual, which --plus leaves out');
  }
}

/** Nothing where nothing is said: the method has its own. */
function plusOf({ plus, strength, sweeps }: Options): unknown {
  if (plus === undefined && strength === undefined && sweeps === undefined) return undefined;
  return { techniques: plus, strength, sweeps };
}

function requestOf(model: string, options: Options): unknown {
  return {
    model,
    out: options.out,
    restart: options.restart,
    method: options.method,
    storedBits: options.storedBits,
    budget: {
      bits: options.bits,
      apAverage: options.ap,
      apWidths: options.apWidths,
      orBits: options.or,
      orShares: options.orShares,
      orColumns: options.orColumns,
    },
    outlierS: options.outlierS,
    columnOrder: options.columnOrder,
    codebookFit: options.codebookFit,
    groupSize: options.groupSize,
    plus: plusOf(options),
    percdamp: options.percdamp,
    actOrder: options.actOrder,
    calibration: {
      source: options.calibration,
      segments: options.segments,
      segmentLength: options.segmentLength,
      seed: options.seed,
      joinDocuments: options.joinDocuments,
    },
    evaluation: { source: options.evaluation, windows: options.windows, contextLength: options.context },
    threads: options.threads,
    hostMemory: options.hostMemory,
    deviceActivations: options.deviceActivations,
    engine: options.engine,
    trace: options.trace,
    forwardPrecision: options.forwardPrecision,
    exportDtype: options.export ? options.dtype : undefined,
  };
}
