/**
 * Where TensorFlow lies on this machine. A variant is a folder of its own, whole or not there:
 *
 *   <home>/cpu/  or  <home>/gpu/
 *     installation.json            what this is; written last
 *     lib/napi-v8/tfjs_binding.node
 *     deps/lib/libtensorflow_cc.so.2, libtensorflow_framework.so.2   (where the addon looks: its rpath is ../../deps/lib)
 *     deps/nvidia/<library>/lib    CUDA and cuDNN, of the gpu variant (TensorFlow's own rpath: ../nvidia/<library>/lib)
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../../../../shared/system-error.ts';

export const TENSORFLOW_VARIANTS = ['gpu', 'cpu'] as const;
export type TensorflowVariant = (typeof TENSORFLOW_VARIANTS)[number];

/** Names the folder with the variants, instead of the one in the user's cache. */
export const TENSORFLOW_HOME_VARIABLE = 'CLAQ_TENSORFLOW_HOME';
export const INSTALLATION_FILE = 'installation.json';
/** Relative to the variant's folder. */
export const ADDON_FILE = 'lib/napi-v8/tfjs_binding.node';
export const LIBRARIES_FOLDER = 'deps/lib';
export const CUDA_FOLDER = 'deps/nvidia';

export const INSTALLATION_VERSION = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const recordSchema = z.object({
  version: z.literal(INSTALLATION_VERSION),
  variant: z.enum(TENSORFLOW_VARIANTS),
  /** Version of TensorFlow, of the wheel that its libraries came from. */
  tensorflow: z.string().min(1).max(64),
  /** The wheels: name, version, and the hash of the file that pip checked. */
  wheels: z.array(z.object({ name: z.string(), version: z.string(), sha256 })).max(64),
  /** The addon: version of @tensorflow/tfjs-node-gpu, whether it was built here or came with the program, its hash. */
  addon: z.object({ tfjs: z.string(), origin: z.enum(['built', 'shipped']), sha256 }),
  installedAt: z.string(),
});

export type InstallationRecord = z.infer<typeof recordSchema>;

/** What was found of a variant. `broken`: a folder that claims to be one and is not; `why` is for people. */
export type Installation =
  | { readonly state: 'missing'; readonly variant: TensorflowVariant; readonly folder: string }
  | {
      readonly state: 'broken';
      readonly variant: TensorflowVariant;
      readonly folder: string;
      readonly why: string;
    }
  | {
      readonly state: 'installed';
      readonly variant: TensorflowVariant;
      readonly folder: string;
      readonly record: InstallationRecord;
    };

/** Folder with the variants: CLAQ_TENSORFLOW_HOME, else in the user's cache. */
export function tensorflowHome(env: NodeJS.ProcessEnv = process.env): string {
  const named = env[TENSORFLOW_HOME_VARIABLE];
  if (named !== undefined && named !== '') return named;
  const cache = env['XDG_CACHE_HOME'];
  return join(
    cache === undefined || cache === '' ? join(homedir(), '.cache') : cache,
    'claq-studio',
    'tensorflow',
  );
}

/** Reads what a variant's folder says of itself; does not load anything. */
export async function readInstallation(
  variant: TensorflowVariant,
  home: string = tensorflowHome(),
): Promise<Installation> {
  const folder = join(home, variant);
  const file = join(folder, INSTALLATION_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return { state: 'missing', variant, folder };
    return { state: 'broken', variant, folder, why: error instanceof Error ? error.message : String(error) };
  }
  const record = recordSchema.safeParse(parsed(text));
  if (!record.success || record.data.variant !== variant)
    return {
      state: 'broken',
      variant,
      folder,
      why: `${file} does not describe an installation of this variant`,
    };
  return { state: 'installed', variant, folder, record: record.data };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
