/**
 * Merges of a SentencePiece vocabulary, which GGUF does not hold: a piece is made of any two pieces that it can be cut into, those of
 * the highest score first. The order of equal scores is that of transformers (tokenization_utils_base.py, generate_merges).
 */

interface Merge {
  readonly left: string;
  readonly right: string;
  readonly score: number;
  /** In characters. */
  readonly leftLength: number;
  readonly rightLength: number;
}

/** A piece that merges may make or use. Control tokens, single bytes and tokens matched before are none. */
export interface Piece {
  readonly id: number;
  readonly score: number;
}

/** @param pieces by their text, in the order of their ids */
export function sentencePieceMerges(pieces: ReadonlyMap<string, Piece>): [string, string][] {
  const merges: Merge[] = [];
  for (const [text, { score }] of pieces) merges.push(...cuts(text, score, pieces));
  merges.sort((a, b) => b.score - a.score || b.leftLength - a.leftLength || b.rightLength - a.rightLength);
  return merges.map(({ left, right }) => [left, right]);
}

/** Every way to cut `text` into two pieces, ordered by their ids. */
function cuts(text: string, score: number, pieces: ReadonlyMap<string, Piece>): Merge[] {
  const found: (Merge & { readonly ids: readonly [number, number] })[] = [];
  const characters = Array.from(text);
  let cut = 0;
  for (const [index, character] of characters.slice(0, -1).entries()) {
    cut += character.length;
    const [left, right] = [text.slice(0, cut), text.slice(cut)];
    const [leftPiece, rightPiece] = [pieces.get(left), pieces.get(right)];
    if (leftPiece === undefined || rightPiece === undefined) continue;
    const leftLength = index + 1;
    const rightLength = characters.length - leftLength;
    found.push({ left, right, score, leftLength, rightLength, ids: [leftPiece.id, rightPiece.id] });
  }
  return found.sort((a, b) => a.ids[0] - b.ids[0] || a.ids[1] - b.ids[1]);
}
