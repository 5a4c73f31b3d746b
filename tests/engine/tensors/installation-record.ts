import {
  INSTALLATION_VERSION,
  type InstallationRecord,
  type TensorflowVariant,
} from '../../../main/engine/tensors/tensorflow/installation.ts';

/** What a set-up writes when it is done. */
export function installationRecord(variant: TensorflowVariant): InstallationRecord {
  return {
    version: INSTALLATION_VERSION,
    variant,
    tensorflow: '2.21.0',
    wheels: [{ name: 'tensorflow-cpu', version: '2.21.0', sha256: 'ab'.repeat(32) }],
    addon: { tfjs: '4.22.0', origin: 'built', sha256: 'cd'.repeat(32) },
    installedAt: '2026-01-02T03:04:05.000Z',
  };
}
