/** What the set-up takes out of wheels, and where it goes: two libraries and the C headers, of hundreds of megabytes more. */
import { posix } from 'node:path';
import { CUDA_FOLDER, LIBRARIES_FOLDER } from '../../engine/tensors/tensorflow/installation.ts';

/** Headers stand here while the addon is built; removed after. */
export const INCLUDE_FOLDER = 'include';

export const TENSORFLOW_LIBRARY = 'libtensorflow_cc.so.2';
export const FRAMEWORK_LIBRARY = 'libtensorflow_framework.so.2';

const HEADERS = 'tensorflow/include/';
/** TensorFlow's C interface and what its headers include. */
const HEADER_FOLDERS = [
  'tensorflow/c/',
  'tensorflow/core/platform/ctstring',
  'tsl/platform/ctstring',
  'tsl/c/',
  'xla/tsl/c/',
];
/** Name of a wheel of CUDA, `nvidia-cuda-runtime-cu12`. */
const CUDA_WHEEL = /^nvidia-([a-z0-9-]{1,40})-cu\d{1,2}$/;
const CUDA_LIBRARY = /^nvidia\/([a-z0-9_]+)\/lib\/([^/]+\.so[.\d]*)$/;

/** Of `tensorflow`, `tensorflow-cpu` and the `nvidia-*` wheels: path inside a variant's folder, undefined for the rest. */
export function libraryTarget(entry: string): string | undefined {
  for (const library of [TENSORFLOW_LIBRARY, FRAMEWORK_LIBRARY]) {
    if (entry === `tensorflow/${library}`) return posix.join(LIBRARIES_FOLDER, library);
  }
  const [, owner, library] = CUDA_LIBRARY.exec(entry) ?? [];
  return owner === undefined || library === undefined
    ? undefined
    : posix.join(CUDA_FOLDER, owner, 'lib', library);
}

/** The same, and the headers too. */
export function libraryOrHeaderTarget(entry: string): string | undefined {
  if (!entry.startsWith(HEADERS)) return libraryTarget(entry);
  const header = entry.slice(HEADERS.length);
  const isNeeded = !header.endsWith('/') && HEADER_FOLDERS.some((folder) => header.startsWith(folder));
  return isNeeded ? posix.join(INCLUDE_FOLDER, header) : undefined;
}

/** Name of the folder of CUDA_FOLDER that a wheel fills, `cuda_runtime`; undefined where it is not one of CUDA's. */
export function cudaLibraryOf(wheel: string): string | undefined {
  return CUDA_WHEEL.exec(wheel)?.[1]?.replaceAll('-', '_');
}
