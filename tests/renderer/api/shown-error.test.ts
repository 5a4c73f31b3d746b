import { ORPCError } from '@orpc/client';
import { describe, expect, it } from 'vitest';
import { ConnectionLostError } from '../../../renderer/api/connection.ts';
import { errorDetails, errorText, shownError } from '../../../renderer/api/shown-error.ts';

const DISK_FULL = {
  code: 'output/disk-full',
  message: 'The disk is full',
  where: '/data/runs',
  found: '12.0 MB free',
  remedy: 'free some space',
};

describe('shownError', () => {
  it('takes an error of the service as it is', () => {
    expect(shownError(new ORPCError('CLAQ', { status: 422, data: DISK_FULL }))).toEqual(DISK_FULL);
  });

  it('says that the connection was lost', () => {
    expect(shownError(new ConnectionLostError())).toEqual({
      code: 'window/connection-lost',
      message: 'The connection to the service was lost',
      remedy: 'wait for the connection, then do it again',
    });
  });

  it('says what a request that could not be read was like', () => {
    const data = { issues: [{ message: 'too small' }, { message: 'not a path' }] };
    expect(shownError(new ORPCError('BAD_REQUEST', { data }))).toMatchObject({
      code: 'window/bad-request',
      found: 'too small; not a path',
    });
  });

  it('calls everything else a fault of the program', () => {
    expect(shownError(new TypeError('x is undefined'))).toMatchObject({
      code: 'window/fault',
      found: 'x is undefined',
    });
    expect(shownError('odd')).toMatchObject({ code: 'window/fault', found: 'odd' });
  });
});

describe('errorText', () => {
  it('has a labelled line a detail, for the clipboard', () => {
    expect(errorText(DISK_FULL)).toBe(
      'The disk is full\nwhere: /data/runs\nfound: 12.0 MB free\nwhat to do: free some space\noutput/disk-full',
    );
    expect(errorDetails({ code: 'x', message: 'm', expected: 'a', found: '' })).toEqual([['expected', 'a']]);
  });
});
