import manifest from '../../package.json' with { type: 'json' };

/** `claq 0.1.0`: what records and model cards say that they were made by. */
export function programName(): string {
  return `${manifest.name} ${manifest.version}`;
}
