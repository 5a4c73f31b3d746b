import { describe, expect, it } from 'vitest';
import { isOutsideLink, isWithin } from '../../main/shell/outside-links.ts';

describe('isOutsideLink', () => {
  it.each(['https://huggingface.co/HuggingFaceTB', 'https://arxiv.org/abs/2405.17233#S3'])(
    '%s may be opened',
    (address) => {
      expect(isOutsideLink(address)).toBe(true);
    },
  );

  it.each([
    'http://huggingface.co/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ms-settings:privacy',
    'smb://server/share',
    'https://huggingface.co@evil.example/',
    'https://user:password@huggingface.co/',
    '/runs/1',
    '',
  ])('%j may not', (address) => {
    expect(isOutsideLink(address)).toBe(false);
  });
});

describe('isWithin', () => {
  it.each([
    ['claq://app/', true],
    ['claq://app/runs/1', true],
    ['claq://app.example/', false],
    ['claq://app:80/', false],
    ['claqx://app/', false],
    ['https://app/', false],
    ['about:blank', false],
    ['', false],
  ])('%j: %s', (address, expected) => {
    expect(isWithin(address, 'claq://app/')).toBe(expected);
  });
});
