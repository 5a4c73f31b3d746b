/** Where a set-up works, and what it works with. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tensorflowHome } from '../../engine/tensors/tensorflow/installation.ts';
import { PINNED_WHEELS, type PinnedWheels } from './pinned-wheels.ts';

export interface SetupPlace {
  /** Absolute path of the folder of the variants and of the downloads. */
  readonly home: string;
  /** Environment of the programs that are started: it names proxies and pip's settings. */
  readonly env: NodeJS.ProcessEnv;
  /** Folder with `<platform>-<arch>/tfjs_binding.node`: addons that come with the program. */
  readonly shippedAddons: string;
  readonly pinned: PinnedWheels;
}

/** build/addon, which lies beside the built app; the sources are a folder higher. */
const ADDONS = import.meta.url.endsWith('.ts') ? '../../../build/addon' : '../../../../addon';

/** The user's own place, and what comes with the program. */
export function userPlace(): SetupPlace {
  return {
    home: resolve(tensorflowHome()),
    env: process.env,
    shippedAddons: outsideOfArchive(fileURLToPath(new URL(ADDONS, import.meta.url))),
    pinned: PINNED_WHEELS,
  };
}

/** Path of a file of the program for a compiler or the system's loader: in the packaged app such files lie beside the archive. */
export function outsideOfArchive(path: string): string {
  return path.replace(/app\.asar(?=[\\/])/, 'app.asar.unpacked');
}
