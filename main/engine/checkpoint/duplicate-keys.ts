/**
 * JSON.parse keeps the last of two equal keys and says nothing, so a header with a tensor listed twice would be read
 * differently here and elsewhere. This finds them.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/**
 * The first key that stands twice in the same object, at any depth; undefined where there is none.
 * @param json text that JSON.parse accepts: the scan relies on it
 */
export function firstDuplicateKey(json: string): string | undefined {
  const openObjects: Set<string>[] = [];
  let position = 0;
  while (position < json.length) {
    const code = json.charCodeAt(position);
    if (code === BRACE_OPEN) openObjects.push(new Set());
    else if (code === BRACE_CLOSE) openObjects.pop();
    else if (code === QUOTE) {
      const end = endOfString(json, position);
      if (isFollowedByColon(json, end)) {
        // Parsed, not sliced: "\u0061" and "a" are the same key.
        const key = String(JSON.parse(json.slice(position, end)));
        const keys = openObjects.at(-1);
        if (keys?.has(key) === true) return key;
        keys?.add(key);
      }
      position = end;
      continue;
    }
    position++;
  }
  return undefined;
}

/** Position after the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let position = start + 1;
  while (position < json.length && json.charCodeAt(position) !== QUOTE) {
    position += json.charCodeAt(position) === BACKSLASH ? 2 : 1;
  }
  return position + 1;
}

/** Only a key is followed by a colon. */
function isFollowedByColon(json: string, start: number): boolean {
  let position = start;
  while (' \t\n\r'.includes(json.charAt(position)) && position < json.length) position++;
  return json.charCodeAt(position) === COLON;
}
