import { expect, it } from 'vitest';
import { csvText } from '../../../renderer/charts/csv-text.ts';

it('quotes what has a comma, a quote or a line’s end, and leaves what is not known empty', () => {
  expect(
    csvText(
      ['name', 'value'],
      [
        ['a,b', 1],
        ['say "x"', null],
        ['two\nlines', 0.1],
      ],
    ),
  ).toBe('name,value\r\n"a,b",1\r\n"say ""x""",\r\n"two\nlines",0.1\r\n');
});
