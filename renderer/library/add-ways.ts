/** The ways in which a model comes into the library. */
export const ADD_WAYS = [
  { value: 'folder', label: 'Folder' },
  { value: 'hub', label: 'Hugging Face' },
  { value: 'demo', label: 'Demo' },
] as const;
export type AddWay = (typeof ADD_WAYS)[number]['value'];

/** The way that an address's query names. */
export function addWayOf(query: unknown): AddWay | undefined {
  return ADD_WAYS.find(({ value }) => value === query)?.value;
}
