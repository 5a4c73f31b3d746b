import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressWithToken, tokenOfHash } from '../../shared/session.ts';

describe('the token in an address', () => {
  it('is its fragment', () => {
    expect(addressWithToken('http://127.0.0.1:8725', 'a-b_c')).toBe('http://127.0.0.1:8725/#a-b_c');
    expect(tokenOfHash('#a-b_c')).toBe('a-b_c');
  });

  it('is not there after a reload', () => {
    expect(tokenOfHash('')).toBeUndefined();
    expect(tokenOfHash('#')).toBeUndefined();
  });

  it('comes back as it was, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (token) => {
        expect(tokenOfHash(new URL(addressWithToken('http://localhost:1', token)).hash)).toBe(token);
      }),
    );
  });

  it('is no token where it is no fragment of ours', () => {
    expect(tokenOfHash('#%')).toBeUndefined();
  });
});
