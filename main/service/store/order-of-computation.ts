import { MATRIX_KINDS } from '../../../shared/model.ts';

/** For ORDER BY: block by block, in a block in the order of MATRIX_KINDS. */
export const ORDER_OF_COMPUTATION = `block, CASE kind ${MATRIX_KINDS.map((kind, place) => `WHEN '${kind}' THEN ${place}`).join(' ')} END`;
