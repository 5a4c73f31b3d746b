import { describe, expect, it } from 'vitest';
import { claqError, ClaqError, plainError, plainErrorSchema } from '../../shared/errors.ts';

describe('plainError', () => {
  it.each([
    new ClaqError('output/disk-full', 'The disk is full', {
      where: '/runs/1',
      expected: '2 GB',
      found: '1 GB',
      remedy: 'free some space',
      cause: new Error('ENOSPC'),
    }),
    new ClaqError('run/cancelled', 'The run was cancelled'),
  ])('survives the way through text, but for its cause ($code)', (error) => {
    const { code, message, where, expected, found, remedy } = error;
    const text = JSON.stringify(plainError(error));
    const restored = claqError(plainErrorSchema.parse(JSON.parse(text)));
    expect(restored).toBeInstanceOf(ClaqError);
    expect(restored).toMatchObject({ name: 'ClaqError', code, message, where, expected, found, remedy });
    expect(restored.cause).toBeUndefined();
  });

  it('has no code but ours', () => {
    const { success } = plainErrorSchema.safeParse({ code: 'internal', message: 'the tests broke it' });
    expect(success).toBe(false);
  });
});
