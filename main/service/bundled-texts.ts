import { fileURLToPath } from 'node:url';

const bundled = (name: string): string =>
  fileURLToPath(new URL(`../../resources/demo-model/${name}`, import.meta.url));

/** Public-domain texts that come with the program, so that a first run needs no choice. */
export const BUNDLED_CALIBRATION = bundled('calibration.txt');
export const BUNDLED_EVALUATION = bundled('evaluation.txt');
export const DEMO_MODEL = bundled('model');
