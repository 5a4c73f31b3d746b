/**
 * Codebooks in bytes: a centroid in half precision takes 16 bits, of which a codebook of four needs few: what lies between two of
 * them is far wider. Centroids of up to 4 bits are rounded to float8 E4M3 as they are fitted, before codes are chosen by them, and
 * take half as much: at 2 bits 32 / rows bits less a weight, which the allocation spends elsewhere. Rows are scaled: in root mean squares
 * of its row no weight is larger than the root of the number of columns, and float8 reaches to 448. Where rows are not to have scales
 * of their own, all have the matrix's. For matrices with few rows; what rounding costs is in shared/bits.ts.
 * (Micikevicius et al. 2022, FP8 Formats for Deep Learning; the codebooks of SqueezeLLM and CLAQ are in half precision.)
 */
import { byteWidth } from '../../../shared/bits.ts';

/** Centroids of the largest codebook in bytes of a matrix with so many rows; 0: none is. */
export function byteCentroids(rows: number): number {
  const width = byteWidth(rows);
  return width === 0 ? 0 : 2 ** width;
}
