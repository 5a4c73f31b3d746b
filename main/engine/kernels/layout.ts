/** The numbers of the kernels' blocked layout (assembly/layout.ts has the picture). */
export const BLOCK = 96;
export const STRIP = 8;
export const PANEL = 6;

export function roundUp(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}
