import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type Licence, licenceSchema } from '../../../shared/host.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';

/** Written by scripts/collect-licences.mjs: beside the transpiled sources in the packaged program, else in the build folder. */
const PLACES = ['../../../licences.json', '../../../build/licences.json'].map(
  (place) => new URL(place, import.meta.url),
);

/** Of everything that the program is made of; empty where the program was never built. */
export async function readLicences(): Promise<Licence[]> {
  for (const place of PLACES) {
    try {
      return z.array(licenceSchema).parse(JSON.parse(await readFile(place, 'utf8')));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }
  return [];
}
