import Table from 'cli-table3';
import pc from 'picocolors';

/** A table without lines: columns stand apart by a blank. */
export function plainTable(head: string[], colAligns: ('left' | 'right')[]): Table.Table {
  return new Table({
    head,
    colAligns,
    style: {
      head: pc.isColorSupported ? ['dim'] : [],
      border: pc.isColorSupported ? ['dim'] : [],
      compact: true,
    },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: ' ',
    },
  });
}
