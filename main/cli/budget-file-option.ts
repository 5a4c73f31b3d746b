/** `--budget FILE`: the whole budget from a file, in the place of the options that say it. */
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { MAX_BUDGET_FILE_CHARACTERS, readBudgetFile } from '../../shared/budget-file.ts';
import { ClaqError } from '../../shared/errors.ts';
import { hasTechnique, plusChoicesSchema } from '../../shared/plus.ts';
import type { BudgetChoices, QuantizeSettings } from '../../shared/requests.ts';
import { systemErrorCode } from '../../shared/system-error.ts';

/** Options that say what the file says, by commander's names. */
const OPTIONS_OF_BUDGET: Readonly<Record<string, string>> = {
  bits: '--bits',
  ap: '--ap',
  apWidths: '--ap-widths',
  or: '--or',
  orShares: '--or-shares',
  orColumns: '--or-columns',
  outlierS: '--outlier-s',
  columnOrder: '--column-order',
};

/**
 * The request with the budget of the file. Its order of columns is for the methods that have one: an allocation has none.
 * @param command whose options made the request
 * Throws ClaqError budget/contradiction where an option says a part of the budget too, budget/not-found, budget/malformed.
 */
export async function withBudgetFile(
  request: QuantizeSettings,
  file: string,
  command: Command,
): Promise<QuantizeSettings> {
  const given = Object.entries(OPTIONS_OF_BUDGET)
    .filter(([name]) => command.getOptionValueSource(name) === 'cli')
    .map(([, option]) => option);
  if (given.length > 0) {
    throw new ClaqError('budget/contradiction', 'The budget is given twice, by a file and by options', {
      where: `--budget ${file}`,
      expected: 'the file alone, or options alone',
      found: given.join(' '),
      remedy: 'leave these options out, or change the file',
    });
  }
  const { columnOrder, ...choices } = await budgetChoices(file);
  const isAllocated =
    request.method === 'claq-plus' && hasTechnique(request.plus ?? plusChoicesSchema.parse({}), 'allocation');
  return { ...request, ...choices, ...(isAllocated ? {} : { columnOrder }) };
}

async function budgetChoices(file: string): Promise<BudgetChoices> {
  try {
    const { size } = await stat(file);
    // Four bytes a character at most: what is larger need not be read to be refused.
    if (size <= 4 * MAX_BUDGET_FILE_CHARACTERS) {
      return readBudgetFile(await readFile(file, 'utf8'), file).choices;
    }
    throw new ClaqError('budget/malformed', 'This is not a budget', {
      where: file,
      expected: `at most ${MAX_BUDGET_FILE_CHARACTERS} characters`,
      found: `${size} bytes`,
    });
  } catch (error) {
    if (error instanceof ClaqError || systemErrorCode(error) === undefined) throw error;
    throw new ClaqError('budget/not-found', 'The budget cannot be read', {
      where: file,
      expected: 'a file',
      found: error instanceof Error ? error.message : String(error),
      remedy: 'name a file that is there',
      cause: error,
    });
  }
}
