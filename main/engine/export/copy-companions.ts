import { join } from 'node:path';
import { writeAtomically } from '../checkpoint/atomic-file.ts';
import type { CompanionFiles } from '../checkpoint/checkpoint.ts';
import { isCarried } from '../checkpoint/companion-files.ts';

/** Writes what an export takes along unchanged: tokenizer, chat template, generation settings, licence; or some of that. */
export async function copyCompanions(
  companions: CompanionFiles,
  folder: string,
  isTaken: (fileName: string) => boolean = isCarried,
): Promise<void> {
  for (const name of companions.names.filter(isTaken)) {
    const bytes = await companions.read(name);
    if (bytes !== undefined) await writeAtomically(join(folder, name), (write) => write(bytes));
  }
}
