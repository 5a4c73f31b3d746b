/** Tables as other programs read them. */

export type CsvCell = string | number | null;

/** Comma-separated with a line of names, as RFC 4180 has it. Figures have all their digits; what is not known is empty. */
export function csvText(names: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  let text = csvLine(names);
  for (const cells of rows) text += csvLine(cells);
  return text;
}

function csvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

/** A cell with a comma, a quote or a line's end stands in quotes. */
function cellText(cell: CsvCell): string {
  const text = String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
