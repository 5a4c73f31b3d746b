import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, ContentHasher } from '../../../main/service/hub/content-hash.ts';

const GIT = `git:${'0'.repeat(40)}`;
const SHA256 = `sha256:${'0'.repeat(64)}`;

describe('contentHash', () => {
  it.each([
    // printf TEXT | git hash-object --stdin
    ['hello\n', GIT, 'git:ce013625030ba8dba906f756967f9e9ca394464a'],
    ['', GIT, 'git:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'],
    // printf TEXT | sha256sum
    ['hello\n', SHA256, 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'],
    ['', SHA256, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ])('of %j like %s', (text, hash, expected) => {
    const content = new TextEncoder().encode(text);
    expect(contentHash(content, { name: 'file', bytes: content.length, hash })).toBe(expected);
  });
});

describe('ContentHasher', () => {
  it('does not depend on the pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.constantFrom(GIT, SHA256), (pieces, hash) => {
        const whole = Buffer.concat(pieces);
        const file = { name: 'file', bytes: whole.length, hash };
        const hasher = new ContentHasher(file);
        for (const piece of pieces) hasher.update(piece);
        expect(hasher.text()).toBe(contentHash(whole, file));
      }),
    );
  });
});
