/** A TensorFlow of a few lines: real libraries, and an addon that is loaded by Node and calls them. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const ADDON_SOURCE = `
#include <node_api.h>
#include "tensorflow/c/c_api.h"

static napi_value Init(napi_env env, napi_value exports) {
  napi_value version;
  napi_create_string_utf8(env, TF_Version(), NAPI_AUTO_LENGTH, &version);
  napi_set_named_property(env, exports, "TF_Version", version);
  return exports;
}
NAPI_MODULE(tfjs_binding, Init)
`;

export const HEADER = '#pragma once\nextern "C" const char* TF_Version(void);\n';

const LIBRARIES = {
  'libtensorflow_framework.so.2': () => 'int tf_framework = 1;',
  'libtensorflow_cc.so.2': (version: string) => `const char* TF_Version(void) { return "${version}"; }`,
} as const;

/** The two libraries, by name; the first says that it is this version. */
export async function smallLibraries(folder: string, version: string): Promise<Record<string, Uint8Array>> {
  await mkdir(folder, { recursive: true });
  const built: Record<string, Uint8Array> = {};
  for (const [name, source] of Object.entries(LIBRARIES)) {
    const file = join(folder, 'library.c');
    await writeFile(file, source(version));
    await run('cc', ['-shared', '-fPIC', `-Wl,-soname,${name}`, file, '-o', join(folder, name)]);
    built[name] = await readFile(join(folder, name));
  }
  return built;
}

/** Writes files under a folder, by their paths in it. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
