import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { lastWords, runProgram } from '../../main/service/run-program.ts';
import { temporaryFolder } from '../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';

const env = process.env;

describe('runProgram', () => {
  it('gives the end of a program and what it said', async () => {
    expect(await runProgram('sh', ['-c', 'echo out; echo err >&2; exit 3'], { env })).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('keeps the end of a long output', async () => {
    const { stdout } = await runProgram(process.execPath, ['-e', 'console.log("x".repeat(1e6) + "end")'], {
      env,
    });
    expect(stdout).toHaveLength(64 * 1024);
    expect(stdout.endsWith('xend\n')).toBe(true);
  });

  it('ends a program that is called off, with all that it started', async () => {
    const started = join(await temporaryFolder(), 'started');
    const controller = new AbortController();
    // The one in the background holds the output open: without its end there would be none for 100 seconds.
    const running = runProgram('sh', ['-c', 'sleep 100 & touch "$0"; wait', started], {
      env,
      signal: controller.signal,
    });
    while (!existsSync(started)) await setTimeout(5);
    controller.abort();
    expect((await thrownBy(() => running)).code).toBe('run/cancelled');
  }, 10_000);

  it('ends one that does not listen', async () => {
    const started = join(await temporaryFolder(), 'started');
    const controller = new AbortController();
    const stubborn = 'trap "" TERM; touch "$0"; while :; do sleep 1; done';
    const running = runProgram('sh', ['-c', stubborn, started], { env, signal: controller.signal });
    while (!existsSync(started)) await setTimeout(5);
    controller.abort();
    expect((await thrownBy(() => running)).code).toBe('run/cancelled');
  }, 10_000);

  it('does not wait longer than it may', async () => {
    const slow = 'echo begun; sleep 100 & wait';
    expect(await runProgram('sh', ['-c', slow], { env, limitMilliseconds: 300 })).toEqual({
      code: null,
      timedOut: true,
      stdout: 'begun\n',
      stderr: '',
    });
  }, 10_000);

  it('names the signal that ended a program', async () => {
    expect(await runProgram('sh', ['-c', 'kill -ABRT $$'], { env })).toEqual({
      code: null,
      signal: 'SIGABRT',
      stdout: '',
      stderr: '',
    });
  });

  it('starts nothing once it was called off', async () => {
    const error = await thrownBy(() =>
      runProgram('no-such-program', [], { env, signal: AbortSignal.abort() }),
    );
    expect(error.code).toBe('run/cancelled');
  });
});

describe('lastWords', () => {
  it('are the last lines that say something', () => {
    expect(lastWords({ code: 1, stdout: 'a\n\n', stderr: 'b\n  c\nd\n' }, 3)).toBe('b | c | d');
    expect(lastWords({ code: 7, stdout: '', stderr: '\n' })).toBe('nothing, and ended with 7');
  });
});
