/** Settings of a request that exclude each other. */
import type { RefinementCtx } from 'zod';
import { type Method, hasUniformGrid } from './method.ts';
import { type PlusChoices, hasTechnique } from './plus.ts';

/** A budget in the parts that it is asked for in (requests.ts). */
interface BudgetParts {
  readonly bits?: number | undefined;
  readonly apAverage?: number | undefined;
  readonly apWidths?: readonly [number, number] | undefined;
  readonly orBits?: number | undefined;
  readonly orShares?: readonly [number, number] | undefined;
  readonly orColumns?: number | undefined;
}

interface ExclusiveChoices {
  readonly method: Method;
  readonly budget: BudgetParts;
  readonly storedBits?: number | undefined;
  readonly overrides: readonly { readonly budget: BudgetParts }[];
  readonly columnOrder?: string | undefined;
  readonly codebookFit?: string | undefined;
  readonly groupSize?: number | undefined;
  readonly plus?: PlusChoices | undefined;
}

/** Adds an issue for each, with the path of the setting to change. */
export function refuseContradictions(request: ExclusiveChoices, context: RefinementCtx): void {
  for (const issue of contradictions(request)) context.addIssue({ code: 'custom', ...issue });
}

interface Contradiction {
  readonly path: (string | number)[];
  readonly message: string;
}

/** Settings that exclude each other, each with the path of the one to change. */
function contradictions(request: ExclusiveChoices): Contradiction[] {
  const found = [
    ...budgetContradictions(request.budget, request.method, ['budget']),
    ...request.overrides.flatMap(({ budget }, index) =>
      budgetContradictions(budget, request.method, ['overrides', index, 'budget']),
    ),
  ];
  for (const [index, { budget }] of request.overrides.entries()) {
    if (Object.values(budget).some((value) => value !== undefined)) continue;
    found.push({ path: ['overrides', index, 'budget'], message: 'says nothing: give bits, or AP and OR' });
  }
  const refuse = (condition: boolean, path: string, message: string): void => {
    if (condition) found.push({ path: [path], message });
  };
  refuse(
    request.method === 'reference' && request.columnOrder === 'benefit',
    'columnOrder',
    'is always outlier with reference',
  );
  const { bits, apAverage } = request.budget;
  refuse(
    request.storedBits !== undefined && (bits !== undefined || apAverage !== undefined),
    'storedBits',
    'decides the average of the widths: leave bits and AP out',
  );
  refuse(
    request.storedBits !== undefined && hasUniformGrid(request.method),
    'storedBits',
    `does not go with ${request.method}, which has one width for all`,
  );
  const { plus } = request;
  refuse(
    plus !== undefined && request.method !== 'claq-plus',
    'plus',
    `goes with claq-plus, not with ${request.method}`,
  );
  if (request.method === 'claq-plus') {
    refuse(
      request.columnOrder !== undefined && (plus === undefined || hasTechnique(plus, 'allocation')),
      'columnOrder',
      'does not go with allocation, which decides over all columns of the model at once',
    );
    refuse(request.codebookFit === 'all', 'codebookFit', 'is always kept with claq-plus');
  }
  if (hasUniformGrid(request.method)) {
    refuse(request.columnOrder !== undefined, 'columnOrder', `does not go with ${request.method}`);
    refuse(request.codebookFit !== undefined, 'codebookFit', `does not go with ${request.method}`);
  } else {
    refuse(
      request.groupSize !== undefined,
      'groupSize',
      `does not go with ${request.method}: only gptq and rtn have scales`,
    );
  }
  return found;
}

/** @param path of the budget in the request */
function budgetContradictions(
  budget: BudgetParts,
  method: Method,
  path: readonly (string | number)[],
): Contradiction[] {
  const { bits, apAverage, apWidths, orBits, orShares } = budget;
  const found: Contradiction[] = [];
  const refuse = (condition: boolean, part: keyof BudgetParts, message: string): void => {
    if (condition) found.push({ path: [...path, part], message });
  };
  refuse(
    bits !== undefined && apAverage !== undefined,
    'apAverage',
    'is set by bits already: give one of the two',
  );
  refuse(
    orBits !== undefined && orShares !== undefined,
    'orShares',
    'are set by or already: give one of the two',
  );
  refuse(apWidths !== undefined && apWidths[0] >= apWidths[1], 'apWidths', 'the lower width comes first');
  refuse(
    apWidths !== undefined && apAverage !== undefined && (apAverage < apWidths[0] || apAverage > apWidths[1]),
    'apAverage',
    `lies outside of the widths ${apWidths?.join(' and ') ?? ''}`,
  );
  if (!hasUniformGrid(method)) return found;
  for (const part of ['apAverage', 'apWidths', 'orBits', 'orShares', 'orColumns'] as const) {
    refuse(budget[part] !== undefined, part, `does not go with ${method}, which has one width for all`);
  }
  refuse(bits !== undefined && !Number.isInteger(bits), 'bits', `must be whole for ${method}`);
  return found;
}
