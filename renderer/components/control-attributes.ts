/** Attributes of a field that belong to its control; class and style stay at the whole field. */
export function controlAttributes(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).filter(([name]) => name !== 'class' && name !== 'style'),
  );
}
