/**
 * A SentencePiece vocabulary in Hugging Face's format lists merges, one for every way to cut a piece in two; llama.cpp merges any
 * two neighbours that make a piece, the piece of the highest score first, as SentencePiece itself does.
 */
import { unsupportedTokenizer } from './tokenizer-definition.ts';
import type { Merge } from './tokenizer-definition.ts';

/**
 * Scores that make llama.cpp merge in the order of `merges`: minus the rank of the piece that a merge makes, as SentencePiece
 * numbers them; pieces that no merge makes come behind.
 * @param pieces that merges may make or use, in the order of their ids: no control tokens, no single bytes
 * @throws ClaqError tokenizer/unsupported where merges depend on more than the piece that they make
 */
export function sentencePieceScores(
  pieces: readonly string[],
  merges: readonly Merge[],
  path: string,
): ReadonlyMap<string, number> {
  const known = new Set(pieces);
  const cutsOf = new Map<string, Set<string>>();
  let last: string | undefined;
  for (const [left, right] of merges) {
    if (!known.has(left) || !known.has(right)) continue;
    const piece = left + right;
    const cuts = cutsOf.get(piece);
    if (cuts !== undefined && piece !== last) {
      throw unsupported(path, `those of ${JSON.stringify(piece)} have others between them`);
    }
    if (cuts === undefined) cutsOf.set(piece, new Set([left]));
    else cuts.add(left);
    last = piece;
  }
  for (const piece of pieces) {
    const missing = cutsInTwo(piece, known).find((left) => cutsOf.get(piece)?.has(left) !== true);
    if (missing === undefined) continue;
    const right = piece.slice(missing.length);
    throw unsupported(path, `none of ${JSON.stringify(missing)} and ${JSON.stringify(right)}`);
  }
  const merged = [...cutsOf.keys()];
  const others = pieces.filter((piece) => !cutsOf.has(piece));
  return new Map([...merged, ...others].map((piece, rank) => [piece, rank === 0 ? 0 : -rank]));
}

/** The left part of every cut of `piece` into two that are known. */
function cutsInTwo(piece: string, known: ReadonlySet<string>): string[] {
  const lefts: string[] = [];
  let cut = 0;
  for (const character of piece) {
    if (cut > 0 && known.has(piece.slice(0, cut)) && known.has(piece.slice(cut))) {
      lefts.push(piece.slice(0, cut));
    }
    cut += character.length;
  }
  return lefts;
}

function unsupported(path: string, found: string): Error {
  return unsupportedTokenizer(
    `${path}, model.merges`,
    'the merges of a SentencePiece vocabulary: of any two pieces that make a third, in the order of their scores',
    found,
  );
}
