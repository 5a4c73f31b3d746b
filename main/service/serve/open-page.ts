import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What opens an address in the user's browser. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};
const DESKTOP_OPENER = ['xdg-open'] as const;

/**
 * Opens an address in the user's browser, which goes on by itself. The address stands in a command line, which every user of
 * the machine can read while the browser starts: it should be good once.
 *
 * @returns whether there is something that opens addresses
 */
export async function openPage(url: string): Promise<boolean> {
  const [program, ...args] = OPENERS[process.platform] ?? DESKTOP_OPENER;
  const child = spawn(program, [...args, url], { detached: true, stdio: 'ignore' });
  child.unref();
  try {
    await once(child, 'spawn');
    return true;
  } catch {
    return false;
  }
}
