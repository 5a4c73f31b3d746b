import type { z } from 'zod';
import { ClaqError } from '../../shared/errors.ts';

/** A request, checked and completed. Throws ClaqError request/invalid that names the first field that is wrong. */
export function validRequest<Schema extends z.ZodType>(schema: Schema, request: unknown): z.output<Schema> {
  const checked = schema.safeParse(request, { reportInput: true });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path.map(String).join('.');
  throw new ClaqError('request/invalid', 'The request is not one that can be carried out', {
    ...(where === undefined || where === '' ? {} : { where }),
    ...(issue === undefined ? {} : { expected: issue.message }),
    ...(issue?.input === undefined ? {} : { found: JSON.stringify(issue.input) }),
    remedy: 'change or leave out what is named above',
    cause: checked.error,
  });
}
