import { describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../../shared/content-security-policy.ts';

describe('contentSecurityPolicy', () => {
  it('allows the page its own files and nothing else', () => {
    expect(contentSecurityPolicy()).toBe(
      "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
        "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });

  it('names where else the page may connect to', () => {
    expect(contentSecurityPolicy(['ws://127.0.0.1:8725'])).toContain(
      "connect-src 'self' ws://127.0.0.1:8725;",
    );
  });
});
