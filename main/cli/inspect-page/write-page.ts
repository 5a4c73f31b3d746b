import { writeTextAtomically } from '../../service/text-file.ts';
import type { InspectionResult } from '../../../shared/inspection.ts';
import { buildInspectPage } from './build-page.ts';

/**
 * Writes the page whole or not at all.
 *
 * @throws ClaqError output/disk-full, output/not-writable
 */
export async function writeInspectPage(path: string, title: string, result: InspectionResult): Promise<void> {
  await writeTextAtomically(path, await buildInspectPage(title, result));
}
