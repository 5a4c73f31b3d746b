// node scripts/collect-licences.mjs OUT
//
// Names, versions and licences of every package that the program ships: what package.json depends on, what is bundled into the
// window, and all that these need. Plain JavaScript for Node 18 and later.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './project.mjs';

/** What is in the window's files, or around them. Of the rest that these packages need, nothing is: it builds them. */
const BUNDLED = [
  'vue',
  '@vue/reactivity',
  '@vue/runtime-core',
  '@vue/runtime-dom',
  '@vue/shared',
  'vue-router',
  'pinia',
  '@lucide/vue',
  '@fontsource-variable/inter',
  'electron',
];
/** In the window's files with all that they need. */
const BUNDLED_WHOLE = ['reka-ui', 'echarts', 'electron-log'];
const LICENCE_FILE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;

/** Folder of a package as one at `from` sees it: the nearest node_modules upwards. */
function folderOf(name, from) {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (at === ROOT || dirname(at) === at) return undefined;
  }
}

function licenceOf({ license, licenses }) {
  if (typeof license === 'string') return license;
  if (typeof license?.type === 'string') return license.type;
  return Array.isArray(licenses) ? licenses.map(({ type }) => type).join(' OR ') : 'not named';
}

const found = new Map();

function collect(name, from, withNeeds = true) {
  const folder = folderOf(name, from);
  if (folder === undefined || found.has(folder)) return;
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => LICENCE_FILE.test(entry));
  found.set(folder, {
    name: manifest.name,
    version: manifest.version,
    licence: licenceOf(manifest),
    text: file === undefined ? null : readFileSync(join(folder, file), 'utf8'),
  });
  if (!withNeeds) return;
  for (const needed of Object.keys(manifest.dependencies ?? {})) collect(needed, folder);
}

const [out] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write('Usage: node scripts/collect-licences.mjs OUT\n');
  process.exit(2);
}
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
// First, so that a package which is needed otherwise as well brings nothing along.
for (const name of BUNDLED) collect(name, ROOT, false);
const whole = [...Object.keys({ ...dependencies, ...optionalDependencies }), ...BUNDLED_WHOLE];
for (const name of whole) collect(name, ROOT);
const licences = [...found.values()].sort(
  (a, b) => a.name.localeCompare(b.name) || a.version.localeCompare(b.version),
);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, JSON.stringify(licences));
