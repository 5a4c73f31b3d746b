import { describe, expect, it } from 'vitest';
import { createSessions } from '../../../main/service/serve/sessions.ts';

const cookieOf = (setCookie: string): string => setCookie.split(';')[0] ?? '';

describe('createSessions', () => {
  it('accepts its token, as often as it comes, and nothing near it', () => {
    const sessions = createSessions(8725, 'the token');
    expect(
      ['the token', 'the token', 'The token', 'the token ', 'the toke', ''].map(sessions.accept),
    ).toEqual([true, true, false, false, false, false]);
  });

  it('accepts each ticket once', () => {
    const sessions = createSessions(8725);
    const [first, second] = [sessions.ticket(), sessions.ticket()];
    expect([second, second, first, first].map(sessions.accept)).toEqual([true, false, true, false]);
  });

  it('knows its cookie among others', () => {
    const sessions = createSessions(8725);
    const cookie = cookieOf(sessions.setCookie);
    expect(cookie).toMatch(/^claq-session-8725=[\w-]{43}$/);
    expect(sessions.knows(cookie)).toBe(true);
    expect(sessions.knows(`theme=dark; ${cookie}; other=1`)).toBe(true);
    // Another server on the host could set one of the same name for a longer path, which comes first.
    expect(sessions.knows(`claq-session-8725=forged; ${cookie}`)).toBe(true);
    expect(sessions.knows(`x${cookie}`)).toBe(false);
    expect(sessions.knows(`${cookie}x`)).toBe(false);
    expect(sessions.knows(cookie.toUpperCase())).toBe(false);
    expect(sessions.knows(undefined)).toBe(false);
    expect(createSessions(8725).knows(cookie)).toBe(false);
  });
});
