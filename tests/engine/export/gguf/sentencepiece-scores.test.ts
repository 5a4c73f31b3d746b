import { describe, expect, it } from 'vitest';
import { sentencePieceScores } from '../../../../main/engine/export/gguf/sentencepiece-scores.ts';
import type { Merge } from '../../../../main/engine/export/gguf/tokenizer-definition.ts';
import { thrownBy } from '../../checkpoint/thrown.ts';

const PIECES = ['a', 'b', 'c', 'ab', 'bc', 'abc'];

const scores = (merges: readonly Merge[], pieces = PIECES): [string, number][] => [
  ...sentencePieceScores(pieces, merges, 'tokenizer.json'),
];

describe('sentencePieceScores', () => {
  it('counts down the pieces in the order of their merges, single characters last', () => {
    const merges: Merge[] = [
      ['b', 'c'],
      ['a', 'b'],
      ['ab', 'c'],
      ['a', 'bc'],
    ];
    expect(scores(merges)).toEqual([
      ['bc', 0],
      ['ab', -1],
      ['abc', -2],
      ['a', -3],
      ['b', -4],
      ['c', -5],
    ]);
  });

  it('leaves out merges of what is no piece: control tokens are found before', () => {
    expect(scores([['<', 's>']], ['a'])).toEqual([['a', 0]]);
  });

  it('refuses merges that lack a way to cut a piece', async () => {
    const merges: Merge[] = [
      ['b', 'c'],
      ['a', 'b'],
      ['ab', 'c'],
    ];
    const error = await thrownBy(() => scores(merges));
    expect(error.code).toBe('tokenizer/unsupported');
    expect(error.found).toBe('none of "a" and "bc"');
  });

  it('refuses merges of a piece with others between them', async () => {
    const merges: Merge[] = [
      ['b', 'c'],
      ['ab', 'c'],
      ['a', 'b'],
      ['a', 'bc'],
    ];
    const error = await thrownBy(() => scores(merges));
    expect(error.found).toBe('those of "abc" have others between them');
  });

  it('cuts between characters, not between the halves of one', () => {
    expect(scores([['🐋', '🐋']], ['🐋', '🐋🐋'])).toEqual([
      ['🐋🐋', 0],
      ['🐋', -1],
    ]);
  });
});
