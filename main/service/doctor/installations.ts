/** What TensorFlows are on the disk, looked at without loading them. */
import type { InstallationReport } from '../../../shared/doctor.ts';
import {
  type InstallationRecord,
  readInstallation,
  type TensorflowVariant,
} from '../../engine/tensors/tensorflow/installation.ts';
import { installationFault } from '../tensorflow-setup/found-installation.ts';
import { folderBytes } from '../folder-contents.ts';
import { cudaLibraryOf } from '../tensorflow-setup/wheel-contents.ts';

/** What makes a variant, and makes it again where it is broken. */
export const SETUP_COMMANDS = { cpu: 'claq setup', gpu: 'claq setup --gpu' } as const;

export async function reportInstallation(
  variant: TensorflowVariant,
  home: string,
): Promise<InstallationReport> {
  const found = await readInstallation(variant, home);
  const { folder } = found;
  const broken = (why: string, bytes: number): InstallationReport => ({
    variant,
    state: 'broken',
    folder,
    bytes,
    fault: { why, remedy: SETUP_COMMANDS[variant] },
  });
  if (found.state === 'missing') return { variant, state: 'missing', folder };
  try {
    const bytes = await folderBytes(folder);
    const why = found.state === 'broken' ? found.why : await installationFault(found);
    if (found.state === 'broken' || why !== undefined) return broken(why ?? '', bytes);
    return { variant, state: 'installed', folder, bytes, ...versions(found.record) };
  } catch (error) {
    // Files that this user may not read, for example.
    return broken(error instanceof Error ? error.message : String(error), 0);
  }
}

type Versions = Pick<
  Extract<InstallationReport, { state: 'installed' }>,
  'tensorflow' | 'addon' | 'origin' | 'cuda' | 'cudnn'
>;

function versions({ tensorflow, addon, wheels }: InstallationRecord): Versions {
  const wheelOf = (library: string): string | null =>
    wheels.find(({ name }) => cudaLibraryOf(name) === library)?.version ?? null;
  return {
    tensorflow,
    addon: addon.tfjs,
    origin: addon.origin,
    cuda: wheelOf('cuda_runtime'),
    cudnn: wheelOf('cudnn'),
  };
}
