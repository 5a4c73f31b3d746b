import { fileURLToPath } from 'node:url';

const GOLDEN = new URL('../../../golden/', import.meta.url);

/** Path of a file that the Python package gguf wrote. */
export function goldenGguf(name: string): string {
  return fileURLToPath(new URL(`gguf/${name}`, GOLDEN));
}

/** The folder of the model that it was made from. */
export function goldenFamily(name: string): string {
  return fileURLToPath(new URL(`families/${name}`, GOLDEN));
}
