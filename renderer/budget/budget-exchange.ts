/** Budgets as files. What reads them is loaded when the first one is read. */
import { ClaqError } from '../../shared/errors.ts';
import type { BudgetChoices } from '../../shared/requests.ts';
import { saveFile } from '../result/save-file.ts';

/** `2.12-with-2-overrides.yaml`; signs that some disks do not take become hyphens. */
export function budgetFileName(name: string): string {
  return `${name.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-+|-+$/g, '')}.yaml`;
}

/** Saves a budget as YAML, which the command takes as well. */
export async function saveBudget(name: string, choices: BudgetChoices): Promise<void> {
  const { writeBudgetFile } = await import('../../shared/budget-file.ts');
  saveFile(budgetFileName(name), 'application/yaml', writeBudgetFile({ name, choices }));
}

/** Throws ClaqError budget/malformed. */
export async function readBudget(file: File): Promise<BudgetChoices> {
  const { MAX_BUDGET_FILE_CHARACTERS, readBudgetFile } = await import('../../shared/budget-file.ts');
  // Before it is read: what is dropped may be a model.
  if (file.size > 4 * MAX_BUDGET_FILE_CHARACTERS) {
    throw new ClaqError('budget/malformed', 'This file is too large for a budget', {
      where: file.name,
      expected: `at most ${MAX_BUDGET_FILE_CHARACTERS.toLocaleString('en')} characters`,
      found: `${file.size.toLocaleString('en')} bytes`,
    });
  }
  return readBudgetFile(await file.text(), file.name).choices;
}
