/**
 * Whether an address may be opened in the user's browser: a page of the web, named in full. Other schemes start programs, and
 * a name and password in an address make it look like another's.
 */
export function isOutsideLink(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, hostname } = new URL(address);
  return protocol === 'https:' && username === '' && password === '' && hostname !== '';
}

/** Whether an address is the app's own, given what `URL` has for it; of a scheme like this one `origin` is "null". */
export function isWithin(address: string, home: string): boolean {
  if (!URL.canParse(address)) return false;
  const [one, other] = [new URL(address), new URL(home)];
  return one.protocol === other.protocol && one.host === other.host;
}
