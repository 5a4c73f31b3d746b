/** A picture as a file: what it is made of, and how it is called. */

export const PICTURE_ENDINGS = ['png', 'svg', 'csv'] as const;
export type PictureEnding = (typeof PICTURE_ENDINGS)[number];

/** What a chart has to say of itself, to be saved. */
export interface SavedPicture {
  /** Parts of the file's name: `['SmolLM2-135M', 'layer3', 'q', 'outlier-ratio', 'S5']`. */
  readonly name: readonly string[];
  readonly svg: () => string | Promise<string>;
  readonly csv: () => string;
}

/** `SmolLM2-135M-layer3-q-outlier-ratio-S5.csv`; signs that some disks do not take become hyphens. */
export function pictureFileName(parts: readonly string[], ending: PictureEnding): string {
  return `${parts
    .map((part) => part.replaceAll(/[^\w.]+/g, '-').replaceAll(/^-+|-+$/g, ''))
    .filter((part) => part !== '')
    .join('-')}.${ending}`;
}
