/** Writing a file whole or not at all, for callers that see the service only. */
export { writeTextAtomically } from '../engine/checkpoint/atomic-file.ts';
