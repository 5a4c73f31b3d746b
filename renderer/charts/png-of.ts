import { ClaqError } from '../../shared/errors.ts';

/** Pixels of the PNG for each of the SVG's: sharp on paper and on dense screens. */
const DENSITY = 2;

/** The SVG as a PNG of twice its size. Throws ClaqError program/fault where the browser cannot draw it. */
export async function pngOf(svg: string): Promise<Blob> {
  const address = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(image.width * DENSITY);
    canvas.height = Math.round(image.height * DENSITY);
    const context = canvas.getContext('2d');
    context?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
    if (blob !== null) return blob;
  } finally {
    URL.revokeObjectURL(address);
  }
  throw new ClaqError('program/fault', 'The picture could not be made into a PNG', {
    remedy: 'save it as SVG instead',
  });
}
