import { ClaqError } from '../../../../shared/errors.ts';

interface Details {
  readonly expected: string;
  readonly found: string;
  readonly remedy?: string;
}

/** A file that is not what the GGUF format says, or not what its own metadata says. */
export function malformedGguf(file: string, summary: string, details: Details): ClaqError {
  return new ClaqError('weights/malformed', summary, {
    where: file,
    remedy: 'download the file again: it is truncated or was changed',
    ...details,
  });
}

/** A sound file of a model that is not computed here. */
export function unsupportedGguf(file: string, summary: string, details: Details): ClaqError {
  return new ClaqError('model/unsupported', summary, {
    where: file,
    remedy: 'open the original model as it was published with safetensors, or another one',
    ...details,
  });
}

/** Text from a file, cut so that a hostile one cannot flood the terminal. */
export function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}
