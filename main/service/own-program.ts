import { fileURLToPath } from 'node:url';
import {
  ELECTRON_APP_VARIABLE,
  ELECTRON_BINARY_VARIABLE,
  OWN_PROGRAM_FLAG,
  OWN_PROGRAMS,
  type OwnProgram,
} from '../../shared/own-programs.ts';
import { siblingModule } from '../engine/sibling-module.ts';
import { type ProgramEnd, type ProgramOptions, runProgram } from './run-program.ts';

/** Runs a program of ours in a process of its own, on the Node or the Electron that this one runs on. As runProgram. */
export async function runOwnProgram(
  name: OwnProgram,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  return await runProgram(binary(), [...programArguments(name), ...args], options);
}

/** On macOS a utility process has a binary of its own, which is not the app's. */
function binary(): string {
  const named = 'electron' in process.versions ? process.env[ELECTRON_BINARY_VARIABLE] : undefined;
  return named ?? process.execPath;
}

function programArguments(name: OwnProgram): string[] {
  if (!('electron' in process.versions)) {
    return [fileURLToPath(siblingModule(import.meta.url, `../${OWN_PROGRAMS[name]}`))];
  }
  const app = process.env[ELECTRON_APP_VARIABLE] ?? '';
  return [...(app === '' ? [] : [app]), OWN_PROGRAM_FLAG, name];
}
