/**
 * The module of this name in the folder of the one that asks, for a thread or a process to run. Sources are .ts files and built
 * ones .js, so a name in a string has no extension: it is that of the module that asks. (Of imports the build knows itself.)
 *
 * @param from `import.meta.url` of the module that asks
 * @param name `./worker`
 */
export function siblingModule(from: string, name: string): URL {
  const extension = from.slice(from.lastIndexOf('.'));
  return new URL(`${name}${extension}`, from);
}
