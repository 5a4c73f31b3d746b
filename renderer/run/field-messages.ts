/** What is wrong with the form, at the field where it is wrong. */
import type { z } from 'zod';
import { ClaqError } from '../../shared/errors.ts';
import { type ModelDescription, mostColumns } from '../../shared/model.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import {
  type QuantizeChoices,
  type QuantizeChoicesRequest,
  quantizeChoicesSchema,
} from '../../shared/requests.ts';

/** By the field's path in the request: `calibration.segments`. All of `budget` and its overrides is one field of the form. */
export type FieldMessages = Readonly<Record<string, string>>;

export interface CheckedChoices {
  /** Undefined where a field is wrong. */
  readonly choices: QuantizeChoices | undefined;
  readonly messages: FieldMessages;
}

/** Checks the choices as the service will, and against this model. */
export function checkChoices(request: QuantizeChoicesRequest, model: ModelDescription): CheckedChoices {
  const messages: Record<string, string> = {};
  const parsed = quantizeChoicesSchema.safeParse(request);
  for (const issue of parsed.error?.issues ?? []) messages[fieldOf(issue)] ??= sentence(issueWords(issue));
  if (parsed.data !== undefined) {
    const found = [budgetMessage(parsed.data, model), ...modelMessages(parsed.data, model)];
    for (const each of found) if (each !== undefined) messages[each.field] ??= each.message;
  }
  return { choices: Object.keys(messages).length === 0 ? parsed.data : undefined, messages };
}

interface FieldMessage {
  readonly field: string;
  readonly message: string;
}

function fieldOf({ path }: z.core.$ZodIssue): string {
  return path[0] === 'budget' || path[0] === 'overrides' ? 'budget' : path.join('.');
}

/** What the schema wants, in the words of a form. */
export function issueWords(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return issue.inclusive === false ? `must be above ${issue.minimum}` : `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${Number(issue.maximum).toLocaleString('en-US')}`;
    case 'invalid_type':
      return issue.expected === 'int' ? 'a whole number' : 'a number';
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'invalid_value':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return issue.message;
  }
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Bits that no pair of widths and shares comes to. */
function budgetMessage(choices: QuantizeChoices, { blocks }: ModelDescription): FieldMessage | undefined {
  try {
    requestedModelBudget(choices, blocks);
    return undefined;
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    const expected = error.expected === undefined ? '' : `: ${error.expected}`;
    return { field: 'budget', message: `${error.message}${expected}` };
  }
}

function modelMessages(choices: QuantizeChoices, model: ModelDescription): (FieldMessage | undefined)[] {
  const { calibration, evaluation, groupSize } = choices;
  const widest = mostColumns(model);
  const context = model.contextLength;
  const longest = `At most the model’s context, ${context.toLocaleString('en-US')} tokens`;
  return [
    (calibration.segmentLength ?? 0) > context
      ? { field: 'calibration.segmentLength', message: longest }
      : undefined,
    (evaluation.contextLength ?? 0) > context
      ? { field: 'evaluation.contextLength', message: longest }
      : undefined,
    (groupSize ?? 0) > widest
      ? { field: 'groupSize', message: `At most ${widest.toLocaleString('en-US')}, the model’s longest row` }
      : undefined,
  ];
}
