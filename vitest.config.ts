import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import {
  TENSORFLOW_HOME_VARIABLE,
  readInstallation,
  tensorflowHome,
} from './main/engine/tensors/tensorflow/installation.ts';

/** A machine's own TensorFlow is left alone by tests that are not about it. */
const WITHOUT_TENSORFLOW = { [TENSORFLOW_HOME_VARIABLE]: join(tmpdir(), 'claq-tests-without-tensorflow') };

/** Tests of what only TensorFlow does. */
const ON_TENSORFLOW_ONLY = [
  'tests/cli/tensorflow.whole.test.ts',
  'tests/engine/claq/device-*.whole.test.ts',
  'tests/engine/tensors/{half-*,tensorflow/*}.whole.test.ts',
];

/** The tests that touch tensors, once more on TensorFlow. */
const tensorflow = {
  test: {
    name: 'tensorflow',
    include: [
      'tests/engine/{transformer,evaluate,claq,sensitivity,tensors}/**/*.test.ts',
      'tests/engine/{run,start-engine}*.test.ts',
      ...ON_TENSORFLOW_ONLY,
    ],
    exclude: ['tests/engine/tensors/wasm-matmul.test.ts', 'tests/engine/tensors/backend.test.ts'],
    env: { CLAQ_TEST_ENGINE: 'tensorflow-cpu', [TENSORFLOW_HOME_VARIABLE]: tensorflowHome() },
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
};

const { state } = await readInstallation('cpu');
const isAsked = process.argv.some((argument) => argument.includes('tensorflow'));
if (state !== 'installed' && !isAsked) {
  process.stderr.write('TensorFlow is not installed (npm run setup:tensorflow): its tests are left out.\n');
}

// `unit` is what `npm run check` runs (seconds); `whole` runs the engine, the command and real files.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // Their files are many and small: to load everything anew for each takes longer than the tests do.
          isolate: false,
          pool: 'threads',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/*.whole.test.ts'],
          env: WITHOUT_TENSORFLOW,
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'whole',
          include: ['tests/**/*.whole.test.ts'],
          exclude: ON_TENSORFLOW_ONLY,
          globalSetup: ['tests/e2e/unpack-browser.ts'],
          env: WITHOUT_TENSORFLOW,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      ...(state === 'installed' || isAsked ? [tensorflow] : []),
    ],
    maxWorkers: 2,
  },
});
