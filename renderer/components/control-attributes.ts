/** Attributes of a field that belong to its control; class and style stay at the whole field. */
export function controlAttributes({
  class: ofField,
  style,
  ...ofControl
}: Readonly<Record<string, unknown>>): Record<string, unknown> {
  void [ofField, style];
  return ofControl;
}
