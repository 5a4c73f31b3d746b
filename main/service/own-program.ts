import { fileURLToPath } from 'node:url';
import {
  ELECTRON_APP_VARIABLE,
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
  return await runProgram(process.execPath, [...programArguments(name), ...args], options);
}

function programArguments(name: OwnProgram): string[] {
  if (!('electron' in process.versions)) {
    return [fileURLToPath(siblingModule(import.meta.url, `../${OWN_PROGRAMS[name]}`))];
  }
  const app = process.env[ELECTRON_APP_VARIABLE] ?? '';
  return [...(app === '' ? [] : [app]), OWN_PROGRAM_FLAG, name];
}
