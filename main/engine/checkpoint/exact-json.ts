/** JSON whose numbers keep their spelling: Python tells 10000.0 from 10000. */

declare global {
  // In V8 since 11.4 (ECMAScript proposal JSON.parse source text access), not yet in TypeScript's library.
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
    rawJSON(text: string): unknown;
  }
}

/** The entries of an object, in their order. Its numbers are there to be written again, not to be computed with. */
export function exactEntries(text: string): [string, unknown][] {
  const value = JSON.parse(text, (_key, each, { source }) =>
    typeof each === 'number' && source !== undefined ? JSON.rawJSON(source) : each,
  );
  return Object.entries(value ?? {});
}

/** Indented by two spaces, with a line's end. */
export function jsonText(entries: Iterable<readonly [string, unknown]>): string {
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}
