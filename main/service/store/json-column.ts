import { z } from 'zod';

/** A column of text that holds JSON of a known form: small structured data that is read whole. */
export function json<Schema extends z.ZodType>(schema: Schema): z.ZodPipe<z.ZodType, Schema> {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('not JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** For such a column. Throws where it could not be read again: JSON has no NaN, for example. */
export function toJson<Value>(schema: z.ZodType<unknown, Value>, value: Value): string {
  const text = JSON.stringify(value);
  schema.parse(JSON.parse(text));
  return text;
}
