import { describe, expect, it } from 'vitest';
import { acceptedEncoding } from '../../../main/service/serve/answer-file.ts';

describe('acceptedEncoding', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP', 'gzip'],
    ['gzip;q=1.0, br;q=0', 'gzip'],
    ['br ; q=0.000 , gzip ; q=0.5', 'gzip'],
    ['br;q=0.001', 'br'],
    ['identity', undefined],
    ['brotli, xgzip', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %s is %s', (header, encoding) => {
    expect(acceptedEncoding(header)).toBe(encoding);
  });
});
