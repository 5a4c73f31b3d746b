/**
 * Programs of ours that run in processes of their own, since what they try may end its process. Node runs their files; Electron's
 * binary is no Node (the fuse `runAsNode` is off) and is asked for them by name.
 */

/** Files in main/, without their extension. */
export const OWN_PROGRAMS = {
  probe: 'engine/tensors/probe-process',
  'load-addon': 'service/tensorflow-setup/load-addon-process',
} as const;
export type OwnProgram = keyof typeof OWN_PROGRAMS;

/** Before the program's name and its arguments, for Electron's binary. */
export const OWN_PROGRAM_FLAG = '--claq-program';

/** Environment variables with Electron's binary, and with what it has to be given first: the app's folder where it is not packaged. */
export const ELECTRON_BINARY_VARIABLE = 'CLAQ_ELECTRON_BINARY';
export const ELECTRON_APP_VARIABLE = 'CLAQ_ELECTRON_APP';

/** What Electron's arguments ask for; undefined where they ask for the app. */
export function askedProgram(argv: readonly string[]): { file: string; args: string[] } | undefined {
  const at = argv.indexOf(OWN_PROGRAM_FLAG);
  const [name, ...args] = at < 0 ? [] : argv.slice(at + 1);
  const known = Object.entries(OWN_PROGRAMS).find(([each]) => each === name);
  return known === undefined ? undefined : { file: known[1], args };
}
