/** Where the parts of the built app lie. This file is bundled into build/shell/main.cjs; the parts are its neighbours. */
import { join } from 'node:path';

const BUILD = join(import.meta.dirname, '..');

/** Folder of the page that the window shows. */
export const RENDERER_FOLDER = join(BUILD, 'renderer');
export const PRELOAD_SCRIPT = join(BUILD, 'preload', 'preload.cjs');
/** Folder of the service's and the engine's modules, as main/ has them. */
export const APP_SOURCES = join(BUILD, 'app', 'main');
/** What the service's process runs. */
export const SERVICE_MODULE = join(APP_SOURCES, 'service', 'utility-process.js');
