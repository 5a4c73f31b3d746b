/** The folders that `claq serve` and the commands of the library work with where no others are named. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The page, as `npm run build` makes it. */
export const RENDERER_FOLDER = fileURLToPath(new URL('../../../build/renderer', import.meta.url));

/** Where the library of a user is, by the custom of the system. Absolute. */
export function defaultDataFolder(
  platform: NodeJS.Platform = process.platform,
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'CLAQ Studio');
  if (platform === 'win32') {
    return join(environment['APPDATA'] ?? join(homedir(), 'AppData', 'Roaming'), 'CLAQ Studio');
  }
  // An empty one counts as not set, says the XDG base directory specification.
  const data = environment['XDG_DATA_HOME'] ?? '';
  return join(data === '' ? join(homedir(), '.local', 'share') : data, 'claq-studio');
}
