/** Wheels of a few hundred bytes, and archives that no honest program writes. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import type { PinnedWheel } from '../../../main/service/tensorflow-setup/pinned-wheels.ts';

export interface ZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  /** Type and permissions as Unix has them. */
  readonly mode?: number;
  /** What the archive says, where it lies. */
  readonly claimedBytes?: number;
  readonly claimedCrc?: number;
}

const REGULAR = 0o100644;

/** A zip archive, deflated, with these entries in their order. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode = REGULAR, claimedBytes = content.length, claimedCrc } of entries) {
    const path = Buffer.from(name);
    const packed = deflateRawSync(content);
    // Version 2.0, no flags, deflated, a date of no meaning; then the fields that both headers share.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(claimedCrc ?? crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(claimedBytes, 18);
    shared.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, path, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    // Made on Unix, so that the mode counts.
    centrals.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), shared, tail, path]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** Writes a wheel that pip takes for one, with these files in it, and returns what a list of pinned wheels says of it. */
export async function writeWheel(
  folder: string,
  name: string,
  version: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<PinnedWheel> {
  const stem = `${name.replaceAll('-', '_')}-${version}`;
  const info = `${stem}.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;
  const tags = 'cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64';
  const all = {
    ...files,
    [`${info}/METADATA`]: Buffer.from(metadata),
    [`${info}/WHEEL`]: Buffer.from(
      `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: ${tags}\n`,
    ),
    [`${info}/RECORD`]: Buffer.from(''),
  };
  const archive = zipOf(Object.entries(all).map(([path, content]) => ({ name: path, content })));
  const file = `${stem}-${tags}.whl`;
  await writeFile(join(folder, file), archive);
  return {
    name,
    version,
    file,
    sha256: createHash('sha256').update(archive).digest('hex'),
    bytes: archive.length,
    unpackedBytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
  };
}

/** Environment in which pip sees this folder of wheels, and nothing else. */
export function pipEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder };
}
