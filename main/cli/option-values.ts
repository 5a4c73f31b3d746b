import { InvalidArgumentError, Option, type Command } from 'commander';
import type { z } from 'zod';
import { ENGINE_CHOICES, FORWARD_PRECISIONS } from '../../shared/engine.ts';

/** A number as an option's value; its range is checked with the whole request. */
export function numberValue(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}

export function wholeValue(text: string): number {
  const value = numberValue(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It is not a whole number.');
  return value;
}

/** `3,5,13` */
export function numberList(text: string): number[] {
  return text.split(',').map(numberValue);
}

/** `2,4` */
export function numberPair(text: string): [number, number] {
  const [first, second, ...others] = numberList(text);
  if (first === undefined || second === undefined || others.length > 0) {
    throw new InvalidArgumentError('It is not two numbers with a comma between them.');
  }
  return [first, second];
}

/** `--data`, of every command that opens the library. */
export function dataOption(): Option {
  return new Option('--data <FOLDER>', "folder of the library (default: the user's)");
}

/** `--engine`, of every command that computes. */
export function engineOption(): Option {
  return new Option(
    '--engine <NAME>',
    'what computes: the best that runs here (see claq doctor), or this one',
  )
    .choices(ENGINE_CHOICES)
    .default('auto');
}

/** `--host-memory`, of every command that runs the model. */
export function hostMemoryOption(): Option {
  return new Option(
    '--host-memory <GB>',
    'memory for hidden states, the rest goes to the disk (default: half of what is free)',
  ).argParser(numberValue);
}

/** `--forward-precision`, of every command that runs the model. */
export function forwardPrecisionOption(): Option {
  return new Option(
    '--forward-precision <TYPE>',
    'products of the forward pass, on TensorFlow; half precision is faster where the processor or card has it, Hessians stay float32',
  )
    .choices(FORWARD_PRECISIONS)
    .default('float32');
}

/**
 * Checks a request made of a command's options. What is wrong is a usage error that names the options, not the
 * request's fields.
 *
 * @param flags option of each field, by the field's path: `budget.apAverage` -> `--ap`
 */
export function checkedRequest<Schema extends z.ZodType>(
  command: Command,
  schema: Schema,
  request: unknown,
  flags: Readonly<Record<string, string>>,
): z.output<Schema> {
  const checked = schema.safeParse(request, { reportInput: true });
  if (checked.success) return checked.data;
  const lines = checked.error.issues.map(
    (issue) => `${flagOf(issue.path, flags)}: ${issue.message}${foundText(issue.input)}`,
  );
  return command.error(`error: ${lines.join('\n       ')}`);
}

/** What stood in the option's place, where the message does not say it. */
function foundText(input: unknown): string {
  return typeof input === 'number' || typeof input === 'string'
    ? `, found ${input === '' ? 'nothing' : input}`
    : '';
}

/** The option of the field, or of the nearest field around it: an entry of a list belongs to the list's option. */
function flagOf(path: readonly PropertyKey[], flags: Readonly<Record<string, string>>): string {
  for (let length = path.length; length > 0; length--) {
    const flag = flags[path.slice(0, length).map(String).join('.')];
    if (flag !== undefined) return flag;
  }
  return path.map(String).join('.');
}
