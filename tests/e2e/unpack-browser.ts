import chromiumInPackage from '@sparticuz/chromium';

/**
 * Unpacks the browser of the npm package before any test starts: the package takes whatever file is there for a whole
 * browser, and of two test files that begin together one would start what the other is still writing.
 */
export default async function unpackBrowser(): Promise<void> {
  await chromiumInPackage.executablePath();
}
