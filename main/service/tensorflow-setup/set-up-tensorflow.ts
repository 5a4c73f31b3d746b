/** `claq setup`: TensorFlow from wheels of the Python package index, and the addon through which Node reaches it. */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import {
  type RunHooks,
  type SetupRequest,
  setupRequestSchema,
  type SetupSummary,
} from '../../../shared/requests.ts';
import { outputErrors, writeTextAtomically } from '../../engine/checkpoint/atomic-file.ts';
import {
  ADDON_FILE,
  INSTALLATION_FILE,
  INSTALLATION_VERSION,
  type InstallationRecord,
  type TensorflowVariant,
} from '../../engine/tensors/tensorflow/installation.ts';
import { folderBytes } from '../folder-contents.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { validRequest } from '../valid-request.ts';
import { type AddonSource, findAddonSource, TFJS_VERSION } from './addon-source.ts';
import { buildAddon, OBJECTS_FOLDER } from './build-addon.ts';
import { checkAddon } from './check-addon.ts';
import { type Fetching, fetchWheel, fileSha256 } from './fetch-wheel.ts';
import { findPython } from './find-python.ts';
import { requireOurs, wholeInstallation } from './found-installation.ts';
import { DOWNLOADS_FOLDER, requireSpace, UNFINISHED, withHome } from './home.ts';
import { DEFAULT_TENSORFLOW, type PinnedWheel, thisMachine, wheelsFor } from './pinned-wheels.ts';
import { type SetupPlace, userPlace } from './place.ts';
import { swapIn } from './swap-in.ts';
import { unpackWheel } from './unpack-wheel.ts';
import { INCLUDE_FOLDER, libraryOrHeaderTarget, libraryTarget } from './wheel-contents.ts';

/** Room for headers, objects and the addon, beside the libraries. */
const SPARE_BYTES = 64 * 2 ** 20;

/** What was decided before anything is fetched. */
interface Plan {
  readonly variant: TensorflowVariant;
  readonly version: string;
  readonly wheels: readonly PinnedWheel[];
  readonly addon: AddonSource;
  readonly python: string;
}

/**
 * Sets TensorFlow up for CPUs or GPUs, unless it is there. What is missing on the machine (Python, a compiler, disk) is told
 * before anything is fetched. A variant appears whole, after it was loaded once; what was fetched stays for the next try.
 *
 * @throws ClaqError setup/*, output/not-empty, output/in-use, output/disk-full, output/not-writable, run/cancelled
 */
export async function setUpTensorflow(
  request: SetupRequest,
  hooks: RunHooks = {},
  place: SetupPlace = userPlace(),
): Promise<SetupSummary> {
  const start = performance.now();
  const { gpu, tensorflow } = validRequest(setupRequestSchema, request);
  const variant = gpu ? 'gpu' : 'cpu';
  const folder = join(place.home, variant);
  const summary = async (record: InstallationRecord, alreadyThere: boolean): Promise<SetupSummary> => ({
    variant,
    folder,
    tensorflow: record.tensorflow,
    addon: record.addon.origin,
    wheels: record.wheels.map(({ name, version }) => `${name} ${version}`),
    bytes: await folderBytes(folder),
    alreadyThere,
    seconds: (performance.now() - start) / 1000,
  });
  const found = await wholeInstallation(variant, place.home, tensorflow);
  if (found !== undefined) return summary(found, true);
  const plan = await makePlan(variant, tensorflow ?? DEFAULT_TENSORFLOW, place, hooks.signal);
  return withHome(place.home, async () => {
    // Another set-up may have ended since.
    const foundNow = await wholeInstallation(variant, place.home, tensorflow);
    if (foundNow !== undefined) return summary(foundNow, true);
    const record = await install(plan, place, hooks);
    return summary(record, false);
  });
}

async function makePlan(
  variant: TensorflowVariant,
  version: string,
  place: SetupPlace,
  signal: AbortSignal | undefined,
): Promise<Plan> {
  await requireOurs(variant, place.home);
  const machine = thisMachine();
  const wheels = wheelsFor(place.pinned, version, variant, machine);
  const addon = await findAddonSource(place, machine, signal);
  const python = await findPython({ env: place.env, signal });
  return { variant, version, wheels, addon, python };
}

async function install(plan: Plan, place: SetupPlace, hooks: RunHooks): Promise<InstallationRecord> {
  const { home, env } = place;
  const downloads = join(home, DOWNLOADS_FOLDER);
  await requireSpace(home, await neededBytes(plan.wheels, downloads));
  await outputErrors(downloads, () => mkdir(downloads, { recursive: true }));
  const paths = await fetchAll(plan.wheels, { folder: downloads, python: plan.python, env }, hooks);
  const work = join(home, `${plan.variant}.${randomUUID()}${UNFINISHED}`);
  try {
    await outputErrors(work, () => mkdir(work));
    await unpackAll(plan, paths, work, hooks);
    await placeAddon(plan, work, env, hooks);
    const addon = join(work, ADDON_FILE);
    await checkAddon(addon, plan.version, { env, signal: hooks.signal });
    const record = await describe(plan, addon);
    await writeTextAtomically(join(work, INSTALLATION_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
    await swapIn(work, join(home, plan.variant));
    await rm(downloads, { recursive: true, force: true });
    return record;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** At the worst moment: everything fetched, and beside it either pip's own copy of a wheel or everything unpacked. */
async function neededBytes(wheels: readonly PinnedWheel[], downloads: string): Promise<number> {
  let missing = 0;
  for (const { file, bytes } of wheels) {
    if ((await sizeOf(join(downloads, file))) !== bytes) missing += bytes;
  }
  const largest = Math.max(...wheels.map(({ bytes }) => bytes));
  const unpacked = wheels.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
  return missing + Math.max(largest, unpacked) + SPARE_BYTES;
}

async function fetchAll(
  wheels: readonly PinnedWheel[],
  fetching: Fetching,
  hooks: RunHooks,
): Promise<string[]> {
  const paths: string[] = [];
  for (const wheel of wheels) paths.push(await fetchWheel(wheel, fetching, hooks));
  return paths;
}

async function unpackAll(
  { wheels, addon }: Plan,
  paths: readonly string[],
  folder: string,
  { onProgress, signal }: RunHooks,
): Promise<void> {
  const total = wheels.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
  const target = addon.origin === 'built' ? libraryOrHeaderTarget : libraryTarget;
  let before = 0;
  for (const [index, wheel] of wheels.entries()) {
    const path = paths[index] ?? '';
    await unpackWheel(path, {
      folder,
      target,
      limitBytes: wheel.unpackedBytes + SPARE_BYTES,
      onBytes: (done) =>
        onProgress?.({
          phase: 'Unpacking',
          // Headers are not counted in the total.
          done: Math.min(before + done, total),
          total,
          unit: 'bytes',
          detail: wheel.name,
        }),
      signal,
    });
    before += wheel.unpackedBytes;
  }
}

async function placeAddon(
  { addon: source, version }: Plan,
  folder: string,
  env: NodeJS.ProcessEnv,
  hooks: RunHooks,
): Promise<void> {
  if (source.origin === 'built') {
    await buildAddon({ ...source, tensorflow: version, folder, env }, hooks);
    for (const name of [INCLUDE_FOLDER, OBJECTS_FOLDER]) await rm(join(folder, name), { recursive: true });
    return;
  }
  const addon = join(folder, ADDON_FILE);
  await outputErrors(addon, async () => {
    await mkdir(dirname(addon), { recursive: true });
    await copyFile(source.file, addon);
  });
}

async function describe(
  { variant, version, wheels, addon }: Plan,
  file: string,
): Promise<InstallationRecord> {
  const sha256 = await fileSha256(file);
  if (sha256 === undefined) throw new ClaqError('setup/build-failed', 'The addon is gone', { where: file });
  return {
    version: INSTALLATION_VERSION,
    variant,
    tensorflow: version,
    wheels: wheels.map((wheel) => ({ name: wheel.name, version: wheel.version, sha256: wheel.sha256 })),
    addon: { tfjs: TFJS_VERSION, origin: addon.origin, sha256 },
    installedAt: new Date().toISOString(),
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 0;
    throw error;
  }
}
