import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { outsideOfArchive, userPlace } from '../../../main/service/tensorflow-setup/place.ts';

describe('the addons that come with the program', () => {
  it('lie where the step before packaging puts them', () => {
    expect(userPlace().shippedAddons).toBe(
      join(fileURLToPath(new URL('../../..', import.meta.url)), 'build', 'addon'),
    );
  });

  it('lie beside the archive of the packaged app', () => {
    expect(outsideOfArchive('/opt/CLAQ Studio/resources/app.asar/build/addon')).toBe(
      '/opt/CLAQ Studio/resources/app.asar.unpacked/build/addon',
    );
    expect(outsideOfArchive('/home/me/app.asar.notes/build/addon')).toBe(
      '/home/me/app.asar.notes/build/addon',
    );
  });
});
