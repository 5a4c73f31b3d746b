/** A budget as a file that people read and write: YAML, which JSON is a part of, with the names of the command's options. */
import {
  LineCounter,
  Document as YamlDocument,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml';
import { z } from 'zod';
import { ClaqError } from './errors.ts';
import {
  type BudgetChoices,
  type BudgetOverrideRequest,
  type BudgetRequest,
  budgetChoicesSchema,
} from './requests.ts';

export const BUDGET_FILE_VERSION = 1;
/** A file with as many overrides as there may be has some 20 KB. */
export const MAX_BUDGET_FILE_CHARACTERS = 2 ** 20;
/** What was found is told up to here. */
const FOUND_CHARACTERS = 80;

export interface BudgetFile {
  readonly name: string | undefined;
  readonly choices: BudgetChoices;
}

/** What the file calls the parts of a budget: the command's options. */
const PART_KEYS = {
  bits: 'bits',
  apAverage: 'ap',
  apWidths: 'ap-widths',
  orBits: 'or',
  orShares: 'or-shares',
  orColumns: 'or-columns',
} as const satisfies Readonly<Record<keyof BudgetRequest, string>>;

const FILE_KEYS: Readonly<Record<string, string>> = {
  ...PART_KEYS,
  outlierS: 'outlier-s',
  columnOrder: 'column-order',
};

/** Only which keys there may be: their values are the choices' to check. */
const parts = {
  bits: z.unknown().optional(),
  ap: z.unknown().optional(),
  'ap-widths': z.unknown().optional(),
  or: z.unknown().optional(),
  'or-shares': z.unknown().optional(),
  'or-columns': z.unknown().optional(),
};
const fileSchema = z.strictObject({
  'claq-budget': z.literal(
    BUDGET_FILE_VERSION,
    `claq-budget: ${BUDGET_FILE_VERSION}, which says what the file is`,
  ),
  name: z.string().trim().min(1).max(100).optional(),
  ...parts,
  'outlier-s': z.unknown().optional(),
  'column-order': z.unknown().optional(),
  overrides: z
    .array(
      z.strictObject({ layers: z.unknown().optional(), matrices: z.unknown().optional(), ...parts }),
      'a list of budgets, each with layers or matrices',
    )
    .optional(),
});
type FileParts = z.infer<z.ZodObject<typeof parts>>;

/**
 * @param source what errors call the file
 * Throws ClaqError budget/malformed, which names line and key.
 */
export function readBudgetFile(text: string, source = 'the budget'): BudgetFile {
  if (text.length > MAX_BUDGET_FILE_CHARACTERS) {
    throw malformed(source, {
      expected: `at most ${MAX_BUDGET_FILE_CHARACTERS} characters`,
      found: `${text.length} characters`,
    });
  }
  const document = new ParsedBudget(text, source);
  const file = document.checked(fileSchema, document.value(), (path) => path);
  const request = {
    budget: partsOf(file),
    overrides: (file.overrides ?? []).map(({ layers, matrices, ...own }) => ({
      // A single layer, written plainly, is a number.
      layers: typeof layers === 'number' ? String(layers) : layers,
      matrices,
      budget: partsOf(own),
    })),
    outlierS: file['outlier-s'],
    columnOrder: file['column-order'],
  };
  return { name: file.name, choices: document.checked(budgetChoicesSchema, request, filePath) };
}

/** The parts that are there. */
function partsOf(file: FileParts): Record<string, unknown> {
  const named = Object.entries(PART_KEYS).map(([part, key]) => [part, file[key]] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}

/** Where the file has what the choices have at `path`: `budget.apAverage` is `ap`. */
function filePath(path: readonly PropertyKey[]): PropertyKey[] {
  return path
    .filter((step) => step !== 'budget')
    .map((step) => (typeof step === 'string' ? (FILE_KEYS[step] ?? step) : step));
}

class ParsedBudget {
  readonly #source: string;
  readonly #lines = new LineCounter();
  readonly #document: YamlDocument.Parsed;

  constructor(text: string, source: string) {
    this.#source = source;
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    });
    const [error] = [...this.#document.errors, ...this.#document.warnings];
    if (error !== undefined) throw this.#malformedAt(error.pos[0], { found: error.message });
    // A few aliases of aliases are gigabytes when they are resolved.
    visit(this.#document, {
      Alias: (_, alias) => {
        throw this.#malformedAt(alias.range?.[0], { expected: 'no aliases', found: `*${alias.source}` });
      },
    });
  }

  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 0 });
  }

  /** @param inFile where the file has what the schema has at a path */
  checked<Schema extends z.ZodType>(
    schema: Schema,
    value: unknown,
    inFile: (path: readonly PropertyKey[]) => readonly PropertyKey[],
  ): z.output<Schema> {
    const parsed = schema.safeParse(value, { reportInput: true });
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    if (issue === undefined) throw parsed.error;
    const path = inFile(issue.path);
    const known = { path, expected: issue.message };
    if (issue.code !== 'unrecognized_keys') {
      // A contradiction is in the whole of it.
      const found = issue.code === 'custom' ? undefined : foundText(issue.input);
      throw this.#malformedAt(this.#offsetOf(path), { ...known, found });
    }
    const [key = ''] = issue.keys;
    throw this.#malformedAt(this.#offsetOf([...path, key]), {
      path,
      expected: 'the keys of a budget, which are those of the command’s options',
      found: foundText(key),
    });
  }

  /** Of the key, or of what lies nearest around it. */
  #offsetOf(path: readonly PropertyKey[]): number | undefined {
    let node: unknown = this.#document.contents;
    let offset: number | undefined;
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
        if (pair === undefined) return offset;
        if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        if (isNode(node)) offset = node.range?.[0] ?? offset;
      }
    }
    return offset;
  }

  #malformedAt(
    offset: number | undefined,
    { path = [], ...details }: { path?: readonly PropertyKey[] } & Details,
  ): ClaqError {
    const line = offset === undefined ? '' : `, line ${this.#lines.linePos(offset).line}`;
    return malformed(`${this.#source}${line}${keyText(path)}`, details);
  }
}

function foundText(input: unknown): string | undefined {
  return input === undefined ? undefined : JSON.stringify(input).slice(0, FOUND_CHARACTERS);
}

interface Details {
  readonly expected?: string | undefined;
  readonly found?: string | undefined;
}

/** `, ap-widths of override 2` */
function keyText(path: readonly PropertyKey[]): string {
  const [first, index, key] = path;
  if (first === undefined) return '';
  if (first !== 'overrides' || index === undefined) return `, ${String(first)}`;
  const override = `override ${Number(index) + 1}`;
  return key === undefined ? `, ${override}` : `, ${String(key)} of ${override}`;
}

function malformed(where: string, { expected, found }: Details): ClaqError {
  return new ClaqError('budget/malformed', 'This is not a budget', {
    where,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    remedy: 'change what is named above; a budget that was saved shows the form',
  });
}

const HEADER = ` A budget of CLAQ: how many bits the columns of a model get.
   claq quantize MODEL --budget THIS-FILE`;

/** What the numbers are, at each key where it stands first. */
const COMMENTS: Readonly<Record<string, string>> = {
  bits: ' Bits a weight: a whole width; a setting of the paper (2.12 is AP 2.05 with OR 0.07); or an average of AP.',
  ap: ' AP: bits averaged over the columns.',
  'ap-widths': ' The two widths that AP mixes.',
  or: ' OR, as the paper counts it: 0.07 keeps 1 % of the entries.',
  'or-shares': ' OR: percent of a column kept at each tail, in the top columns and in the rest.',
  'or-columns': ' Percent of the columns that are top columns.',
  'outlier-s': ' An outlier is at least so many times the mean |w| of its matrix.',
  'column-order':
    ' What gets more: outlier, the head of the Outlier Order; benefit, where it helps most, for the same stored bits.',
  overrides:
    ' Other budgets, each a whole one. Of several that match a matrix the last holds. Layers count from 0.',
};

/** The file of a budget, with comments that say what its numbers are; readBudgetFile gives the same budget again. */
export function writeBudgetFile({ name, choices }: BudgetFile): string {
  const { budget, overrides, outlierS, columnOrder } = choices;
  const document = new YamlDocument({
    'claq-budget': BUDGET_FILE_VERSION,
    ...(name === undefined ? {} : { name }),
    ...namedParts(budget),
    'outlier-s': outlierS,
    ...(columnOrder === undefined ? {} : { 'column-order': columnOrder }),
    ...(overrides.length === 0 ? {} : { overrides: overrides.map(namedOverride) }),
  });
  document.commentBefore = HEADER;
  const explained = new Set<string>();
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || typeof key.value !== 'string') return;
      if (key.value !== 'overrides' && isCollection(value)) value.flow = true;
      const comment = COMMENTS[key.value];
      if (comment === undefined || explained.has(key.value)) return;
      explained.add(key.value);
      key.commentBefore = comment;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function namedOverride({ layers, matrices, budget }: BudgetOverrideRequest): Record<string, unknown> {
  return {
    ...(layers === undefined ? {} : { layers }),
    ...(matrices === undefined ? {} : { matrices }),
    ...namedParts(budget),
  };
}

function namedParts(budget: BudgetRequest): Record<string, unknown> {
  const named: [string, unknown][] = [];
  for (const part of ['bits', 'apAverage', 'apWidths', 'orBits', 'orShares', 'orColumns'] as const) {
    if (budget[part] !== undefined) named.push([PART_KEYS[part], budget[part]]);
  }
  return Object.fromEntries(named);
}
