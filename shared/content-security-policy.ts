/**
 * What the window's page may load and do: its own files, and nothing else. The policy is sent as a header with each file, by
 * `claq serve` and by the desktop app, so that both show the same page under the same rules.
 *
 * No `unsafe-inline` for styles: Vue and reka-ui set styles through `element.style`, and ECharts paints on a canvas; policies
 * have no say in either. `<style>` elements made by scripts and `style` attributes in markup are refused.
 *
 * @param connectTo origins beside the page's own that it may connect to: `ws://127.0.0.1:8725`, since some browsers do not
 *   count a WebSocket of the same host as `'self'`
 */
export function contentSecurityPolicy(connectTo: readonly string[] = []): string {
  const directives: readonly (readonly string[])[] = [
    ['default-src', "'self'"],
    ['script-src', "'self'"],
    ['style-src', "'self'"],
    // Charts are saved as pictures by way of data: and blob: addresses.
    ['img-src', "'self'", 'data:', 'blob:'],
    ['font-src', "'self'"],
    ['connect-src', "'self'", ...connectTo],
    ['object-src', "'none'"],
    ['base-uri', "'none'"],
    ['form-action', "'none'"],
    ['frame-ancestors', "'none'"],
  ];
  return directives.map((directive) => directive.join(' ')).join('; ');
}
