import { library } from './0001-library.ts';
import { statistics } from './0002-statistics.ts';
import { exports } from './0003-exports.ts';
import { sensitivities } from './0004-sensitivities.ts';
import type { Migration } from './migration.ts';

/** In order; the last one's version is the one that this program writes. */
export const MIGRATIONS: readonly Migration[] = [library, statistics, exports, sensitivities];
