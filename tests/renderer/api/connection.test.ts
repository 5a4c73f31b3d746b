import { describe, expect, it, vi } from 'vitest';
import {
  Connection,
  ConnectionLostError,
  ConnectionRefusedError,
  type Line,
} from '../../../renderer/api/connection.ts';

interface TestLine extends Line {
  breaks(): void;
}

/** A line whose calls answer with its name, unless told to stay silent. */
function testLine(name: string, answers = true): TestLine {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const link = { call: () => (answers ? Promise.resolve(name) : new Promise<unknown>(() => undefined)) };
  return { link, broken: promise.then(() => undefined), breaks: () => resolve(undefined) };
}

const call = (connection: Connection): Promise<unknown> =>
  connection.call(['models', 'list'], undefined, { context: {} });

describe('Connection', () => {
  it('lets calls wait for the first line', async () => {
    const opening = Promise.withResolvers<Line>();
    const connection = new Connection(() => opening.promise);
    void connection.keep();
    const answer = call(connection);
    expect(connection.state.value).toBe('connecting');
    opening.resolve(testLine('first'));
    expect(await answer).toBe('first');
    expect(connection.state.value).toBe('open');
    expect(connection.openings.value).toBe(1);
  });

  it('fails what is under way when the line breaks, and what comes before the next', async () => {
    const first = testLine('first', false);
    const second = Promise.withResolvers<Line>();
    const lines = [Promise.resolve<Line>(first), second.promise];
    const connection = new Connection(() => lines.shift() ?? Promise.reject(new Error('no more lines')));
    void connection.keep();
    const silent = call(connection);
    await vi.waitFor(() => expect(connection.state.value).toBe('open'));
    first.breaks();
    await expect(silent).rejects.toBeInstanceOf(ConnectionLostError);
    await vi.waitFor(() => expect(connection.state.value).toBe('lost'));
    await expect(call(connection)).rejects.toBeInstanceOf(ConnectionLostError);
    second.resolve(testLine('second'));
    await vi.waitFor(() => expect(connection.openings.value).toBe(2));
    expect(await call(connection)).toBe('second');
  });

  it('tries again where a line does not open, and does not wait when it is told to', async () => {
    let attempts = 0;
    const connection = new Connection(() =>
      ++attempts < 3 ? Promise.reject(new Error('nobody there')) : Promise.resolve(testLine('third')),
    );
    void connection.keep();
    const answer = call(connection);
    await vi.waitFor(() => expect(attempts).toBe(1));
    connection.retry();
    expect(await answer).toBe('third');
    expect(attempts).toBe(3);
  });

  it('gives up where it is refused', async () => {
    let attempts = 0;
    const connection = new Connection(() => {
      attempts++;
      return Promise.reject(new ConnectionRefusedError());
    });
    const kept = connection.keep();
    await expect(call(connection)).rejects.toBeInstanceOf(ConnectionRefusedError);
    await kept;
    expect(connection.state.value).toBe('refused');
    expect(attempts).toBe(1);
  });
});
