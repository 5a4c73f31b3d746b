/** The keys that work everywhere, and what they do. A sequence is pressed one key after the other. */

export interface Shortcut {
  /** `g l` */
  readonly keys: string;
  readonly does: string;
}

export const GO_TO: readonly (Shortcut & { readonly path: string })[] = [
  { keys: 'g l', does: 'Go to the library', path: '/library' },
  { keys: 'g r', does: 'Go to the runs', path: '/runs' },
  { keys: 'g s', does: 'Go to the settings', path: '/settings' },
];

export const SHORTCUT_GROUPS: readonly { readonly name: string; readonly shortcuts: readonly Shortcut[] }[] =
  [
    {
      name: 'Everywhere',
      shortcuts: [
        ...GO_TO,
        { keys: '/', does: 'Search the list on this screen' },
        { keys: '[', does: 'Fold and unfold the side bar' },
        { keys: '?', does: 'Show these keys' },
        { keys: 'Esc', does: 'Close a dialog or a menu' },
      ],
    },
    {
      name: 'In a table',
      shortcuts: [
        { keys: '↑ ↓', does: 'Move between rows' },
        { keys: 'Home End', does: 'First and last row' },
        { keys: 'Enter', does: 'Open the row' },
      ],
    },
    {
      name: 'In a chart',
      shortcuts: [
        { keys: '+ -', does: 'Zoom; so does the wheel, over lines with Ctrl' },
        { keys: '0', does: 'Show all' },
        { keys: '← →', does: 'Move; in a map to the next cell' },
        { keys: 'n p', does: 'Next and previous column in Outlier Order' },
      ],
    },
  ];

/** A pause longer than this, in milliseconds, ends a sequence. */
const SEQUENCE_PAUSE = 1200;

/** Follows the keys that are pressed, and says which shortcut they came to. */
export function shortcutReader(known: readonly string[]): (key: string, at: number) => string | undefined {
  let pressed: string[] = [];
  let last = -Infinity;
  return (key, at) => {
    const sequence = at - last <= SEQUENCE_PAUSE ? [...pressed, key] : [key];
    last = at;
    // What leads nowhere begins anew with the key itself: `g g l` is `g l`.
    const candidate = [sequence, [key]].find((keys) => known.some((name) => begins(name, keys.join(' '))));
    pressed = candidate ?? [];
    const name = pressed.join(' ');
    if (!known.includes(name)) return undefined;
    pressed = [];
    return name;
  };
}

function begins(name: string, start: string): boolean {
  return name === start || name.startsWith(`${start} `);
}
