import { createHash } from 'node:crypto';
import type { ExportTarget } from '../../shared/exports.ts';
import type { ExportSource } from './export-source.ts';
import { programName } from './program-name.ts';

/** Tells whether two exports have the same bytes: same program, same target, same files to make it of. */
export function exportIdentity({ hashes }: Pick<ExportSource, 'hashes'>, target: ExportTarget): string {
  const files = Object.entries(hashes).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([programName(), target, files]))
    .digest('hex');
}
