import Table from 'cli-table3';
import { loadWarning, machineLine } from './machine.ts';

/** Prints a section's title, the machine, and what else there is to say. */
export function section(title: string, ...lines: readonly string[]): void {
  console.log(`\n${title}\n${'='.repeat(title.length)}`);
  for (const line of [machineLine(), loadWarning(), ...lines]) if (line !== undefined) console.log(line);
}

export function note(line: string): void {
  console.log(line);
}

/** A table under its title; the first column is text, the others are figures. */
export function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) made.push([...row]);
  console.log(`\n${title}\n${made.toString()}`);
}
