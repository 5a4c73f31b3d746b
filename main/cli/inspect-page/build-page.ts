import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { InspectionResult } from '../../../shared/inspection.ts';

const read = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8');

/** The bundle that ECharts ships for a script element. */
const ECHARTS_BUNDLE = 'echarts/dist/echarts.min.js';

/**
 * The inspection as one HTML page that needs nothing else: styles, scripts, ECharts and the data all stand in it, and
 * its content security policy forbids it every request.
 *
 * @param title the model's name; it is shown as it is, whatever it holds
 */
export async function buildInspectPage(title: string, result: InspectionResult): Promise<string> {
  const { inspection, outlierS, shown } = result;
  const [template, style, page, charts, theme, echarts] = await Promise.all([
    read('template.html'),
    read('page.css'),
    read('page.js'),
    read('charts.js'),
    read('chart-theme.js'),
    readFile(fileURLToPath(import.meta.resolve(ECHARTS_BUNDLE)), 'utf8'),
  ]);
  const modules = new Map([['./chart-theme.js', moduleUrl(theme)]]);
  modules.set('./charts.js', moduleUrl(withImports(charts, modules)));
  const data = escapeJson({ inspection, outlierS, block: shown.block, kind: shown.kind });
  const parts: Readonly<Record<string, string>> = {
    title: escapeHtml(title),
    style: `<style>${style}</style>`,
    data: `<script type="application/json" id="inspection">${data}</script>`,
    echarts: `<script>${escapeScript(echarts)}</script>`,
    page: `<script type="module">${escapeScript(withImports(page, modules))}</script>`,
  };
  // One pass: a part that happens to hold a placeholder stays as it is.
  return template.replaceAll(
    /<!-- part: (\w+) -->/g,
    (placeholder, name: string) => parts[name] ?? placeholder,
  );
}

/** A module that a page without a server can import. */
function moduleUrl(source: string): string {
  return `data:text/javascript;base64,${Buffer.from(source).toString('base64')}`;
}

/** The source with the names of the modules that it imports replaced by their addresses. */
function withImports(source: string, modules: ReadonlyMap<string, string>): string {
  return [...modules].reduce(
    (text, [name, url]) => text.replace(`from '${name}'`, () => `from '${url}'`),
    source,
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** JSON in which no `</script>` or `<!--` can stand, whatever the names in it. */
function escapeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** Inside of a script only its end tag is read by the HTML parser; in a string or a regular expression `<\/` is `</`. */
function escapeScript(source: string): string {
  return source.replaceAll(/<\/(script)/gi, '<\\/$1');
}
