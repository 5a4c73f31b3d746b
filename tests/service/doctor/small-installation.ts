/** Installations of TensorFlow without TensorFlow: the files are there, and the addon is what a test makes of it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  ADDON_FILE,
  CUDA_FOLDER,
  INSTALLATION_FILE,
  type InstallationRecord,
  LIBRARIES_FOLDER,
  type TensorflowVariant,
} from '../../../main/engine/tensors/tensorflow/installation.ts';
import { installationRecord } from '../../engine/tensors/installation-record.ts';
import { writeFiles } from '../tensorflow-setup/small-tensorflow.ts';

const CUDA_WHEELS = {
  cuda_runtime: ['nvidia-cuda-runtime-cu12', '12.9.79'],
  cudnn: ['nvidia-cudnn-cu12', '9.10.2.21'],
};

/** A variant's folder, whole by all that can be seen without loading it; the one for GPUs with two of CUDA's libraries. */
export async function writeInstallation(
  home: string,
  variant: TensorflowVariant,
  addon: Uint8Array | string = 'not a library',
): Promise<void> {
  const base = installationRecord(variant);
  const sha256 = createHash('sha256').update(addon).digest('hex');
  const cuda = variant === 'gpu' ? Object.entries(CUDA_WHEELS) : [];
  const record: InstallationRecord = {
    ...base,
    addon: { ...base.addon, sha256 },
    wheels: [
      ...base.wheels,
      ...cuda.map(([, [name = '', version = '']]) => ({ name, version, sha256: 'ef'.repeat(32) })),
    ],
  };
  await writeFiles(join(home, variant), {
    [ADDON_FILE]: addon,
    [`${LIBRARIES_FOLDER}/libtensorflow_cc.so.2`]: 'tensorflow',
    [`${LIBRARIES_FOLDER}/libtensorflow_framework.so.2`]: 'framework',
    ...Object.fromEntries(cuda.map(([library]) => [`${CUDA_FOLDER}/${library}/lib/lib.so`, library])),
    [INSTALLATION_FILE]: JSON.stringify(record),
  });
}

/** A library that runs this C when it is loaded. */
export async function libraryThatRuns(folder: string, statements: string): Promise<Uint8Array> {
  const source = join(folder, 'library.c');
  await writeFile(
    source,
    `#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>
__attribute__((constructor)) static void load(void) { ${statements} }\n`,
  );
  await promisify(execFile)('cc', ['-shared', '-fPIC', source, '-o', join(folder, 'library.so')]);
  return readFile(join(folder, 'library.so'));
}

/** What TensorFlow does on a CPU that it was not built for. */
export const ABORT_WITHOUT_AVX = `
  fputs("F0000 00:00:1731000000.123456   12345 cpu_feature_guard.cc:70] The TensorFlow library was compiled to use AVX "
        "instructions, but these aren't available on your machine.\\n", stderr);
  abort();`;
