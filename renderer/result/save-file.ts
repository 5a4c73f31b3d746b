/** Hands a file to the browser as a download, which asks where it goes or puts it where downloads go. */
export function saveFile(
  name: string,
  type: 'text/csv' | 'application/json' | 'application/yaml' | 'image/svg+xml' | 'image/png',
  content: string | Blob,
): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The download has begun with the click; later the address is of no use.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
