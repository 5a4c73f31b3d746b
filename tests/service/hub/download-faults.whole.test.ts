import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { type LocalHub, type SeenRequest, startLocalHub } from './local-hub.ts';
import {
  contentsOf,
  download,
  followed,
  hubWith,
  newFolder,
  noise,
  REPOSITORY,
  smallModel,
  WEIGHTS,
  WEIGHTS_BYTES,
} from './small-hub.ts';

type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** Answers the first requests of the storage, each in its way; undefined for the usual one. */
function storageAnswers(...answers: readonly (Answer | undefined)[]) {
  const left = [...answers];
  return (request: SeenRequest, response: ServerResponse): boolean => {
    if (request.server !== 'storage') return false;
    const answer = left.shift();
    answer?.(response, request);
    return answer !== undefined;
  };
}

/** The storage, always. */
function storageAlways(answer: Answer) {
  return (request: SeenRequest, response: ServerResponse): boolean => {
    if (request.server === 'storage') answer(response, request);
    return request.server === 'storage';
  };
}

function status(code: number, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end();
}

function body(content: Uint8Array): Answer {
  return (response) => response.writeHead(200, { 'content-length': content.length }).end(content);
}

/** Half of the weights, and then the connection is gone. */
function firstHalf(source: string): Answer {
  return (response) => {
    void readFile(join(source, WEIGHTS)).then((content) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, WEIGHTS_BYTES / 2), () => response.destroy());
    });
  };
}

function storageRanges({ requests }: LocalHub): (string | undefined)[] {
  return requests.filter(({ server }) => server === 'storage').map(({ range }) => range);
}

describe('troubles that pass', () => {
  it('goes on where a connection broke', async () => {
    const source = await smallModel();
    const hub = await hubWith(source, { intercept: storageAnswers(firstHalf(source)) });
    const folder = await newFolder();
    const { waits, notes, ...rest } = followed();
    await download(hub, folder, rest);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    const [first, second] = storageRanges(hub);
    expect(first).toBeUndefined();
    const from = Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(WEIGHTS_BYTES / 2);
    expect(waits).toEqual([1000]);
    expect(notes).toHaveLength(1);
  });

  it.each([500, 503, 408])('tries again after status %i', async (code) => {
    const source = await smallModel();
    const hub = await hubWith(source, { intercept: storageAnswers(status(code), status(code)) });
    const folder = await newFolder();
    const { waits, notes, ...rest } = followed();
    await download(hub, folder, rest);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(waits).toEqual([1000, 2000]);
    expect(notes[0]).toBe(`${new URL(hub.url).host}: status ${code}; trying again in 1 s`);
  });

  it('waits as long as the hub asks', async () => {
    const source = await smallModel();
    let asked = 0;
    const hub = await hubWith(source, {
      intercept: (request, response) => {
        if (request.server !== 'hub' || ++asked > 1) return false;
        response.writeHead(429, { 'retry-after': '7' }).end();
        return true;
      },
    });
    const { waits, ...rest } = followed();
    await download(hub, await newFolder(), rest);
    expect(waits).toEqual([7000]);
  });

  it('asks the hub again when an address in its storage has run out', async () => {
    const source = await smallModel();
    const hub = await hubWith(source, { intercept: storageAnswers(status(403)) });
    const folder = await newFolder();
    await download(hub, folder);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    const weights = hub.requests.filter(({ file }) => file === WEIGHTS).map(({ server }) => server);
    expect(weights).toEqual(['hub', 'storage', 'hub', 'storage']);
  });

  it('gives up a connection on which nothing comes', async () => {
    const source = await smallModel();
    const hub = await hubWith(source, { intercept: storageAnswers(() => undefined) });
    const folder = await newFolder();
    const { notes, ...rest } = followed({ silenceMilliseconds: 1000 });
    await download(hub, folder, rest);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    expect(notes[0]).toBe(`${new URL(hub.url).host}: nothing came for 1 s; trying again in 1 s`);
  });

  it('has patience with a connection that is slow but alive', async () => {
    const source = await smallModel();
    const content = await readFile(join(source, WEIGHTS));
    const slow: Answer = (response) => {
      response.writeHead(200, { 'content-length': content.length });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(content.subarray(sent, (sent += 30_000)));
        if (sent < content.length) return;
        clearInterval(timer);
        response.end();
      }, 100);
    };
    const hub = await hubWith(source, { intercept: storageAnswers(slow) });
    const { notes, ...rest } = followed({ silenceMilliseconds: 1500 });
    await download(hub, await newFolder(), rest);
    expect(notes).toEqual([]);
  });
});

describe('troubles that stay', () => {
  it('says so after a few tries, and keeps what has come', async () => {
    const source = await smallModel();
    const hub = await hubWith(source, {
      intercept: storageAnswers(firstHalf(source), ...Array.from({ length: 9 }, () => status(502))),
    });
    const folder = await newFolder();
    const { waits, ...rest } = followed();
    const error = await thrownBy(() => download(hub, folder, rest));
    expect(error).toMatchObject({ code: 'hub/unreachable', found: 'status 502' });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000]);
    const names = await readdir(folder);
    expect(names).toContain(`${WEIGHTS}.partial`);
    expect(names).not.toContain(WEIGHTS);
    await download(await hubWith(source), folder);
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
  });

  it('does not wait for a hub that asks for an hour', async () => {
    const intercept = (_: SeenRequest, response: ServerResponse): boolean => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
      return true;
    };
    const hub = await hubWith(await smallModel(), { intercept });
    const { waits, ...rest } = followed();
    const error = await thrownBy(() => newFolder().then((folder) => download(hub, folder, rest)));
    expect(error).toMatchObject({
      code: 'hub/unreachable',
      found: 'status 429; it asks to wait for 1 h 00 min',
    });
    expect(waits).toEqual([]);
  });

  it('tells that there is no hub, and leaves nothing', async () => {
    const hub = await startLocalHub({ repositories: {} });
    await hub.close();
    const folder = await newFolder();
    const { waits, ...rest } = followed();
    const error = await thrownBy(() => download(hub, folder, rest));
    expect(error.code).toBe('hub/unreachable');
    expect(error.found).toContain('ECONNREFUSED');
    expect(waits).toEqual([1000, 2000, 4000]);
    expect(await readdir(dirname(folder))).toEqual([]);
  });
});

describe('a file that is not the one of the listing', () => {
  it.each<[string, Answer, RegExp]>([
    ['has another hash', body(noise(WEIGHTS_BYTES, 5)), /^sha256:[0-9a-f]{64}$/],
    ['is too short', body(noise(1000, 5)), /^1000 bytes$/],
    ['is too long', body(noise(WEIGHTS_BYTES + 1, 5)), /^600001 bytes$/],
    [
      'is too long and does not say so',
      (response) => response.writeHead(200).end(noise(WEIGHTS_BYTES + 1, 5)),
      /^more$/,
    ],
  ])('is refused where it %s, and nothing of it stays', async (_, answer, found) => {
    const hub = await hubWith(await smallModel(), { intercept: storageAlways(answer) });
    const folder = await newFolder();
    const error = await thrownBy(() => download(hub, folder));
    expect(error.code).toBe('hub/changed');
    expect(error.where).toMatch(/\/model\.safetensors$/);
    expect(error.found).toMatch(found);
    expect((await readdir(folder)).filter((name) => name.startsWith(WEIGHTS))).toEqual([]);
  });

  it('is refused where it comes from git, too', async () => {
    const intercept = ({ file }: SeenRequest, response: ServerResponse): boolean => {
      if (file === 'tokenizer_config.json') response.writeHead(200).end('[]');
      return file === 'tokenizer_config.json';
    };
    const hub = await hubWith(await smallModel(), { intercept });
    const error = await thrownBy(async () => download(hub, await newFolder()));
    expect(error).toMatchObject({
      code: 'hub/changed',
      // printf '{}' | git hash-object --stdin; printf '[]' | git hash-object --stdin
      expected: 'git:9e26dfeeb6e641a33dae4961196235bdb965b21b',
      found: 'git:0637a088a01e8ddab3bf3fa98dbe804cbde1a0dc',
    });
  });

  it('is refused where a part of it begins elsewhere', async () => {
    const source = await smallModel();
    const shifted = status(206, { 'content-range': `bytes 7-599999/${WEIGHTS_BYTES}` });
    const hub = await hubWith(source, { intercept: storageAnswers(firstHalf(source), shifted) });
    const error = await thrownBy(async () => download(hub, await newFolder()));
    expect(error).toMatchObject({ code: 'hub/malformed', found: `bytes 7-599999/${WEIGHTS_BYTES}` });
  });

  it('is fetched again where it was cut short, as often as is sensible', async () => {
    const source = await smallModel();
    const cut: Answer = (response) => response.writeHead(200).end(noise(1000, 5));
    const hub = await hubWith(source, { intercept: storageAlways(cut) });
    const error = await thrownBy(async () => download(hub, await newFolder()));
    expect(error).toMatchObject({
      code: 'hub/unreachable',
      found: 'the connection ended before the file did',
    });
    expect(storageRanges(hub)).toHaveLength(7);
  });
});

describe('the token', () => {
  it('goes to the hub, and not along with a redirect', async () => {
    const token = 'hf_secret';
    const source = await smallModel();
    const hub = await hubWith(source, { repository: { token } });
    const folder = await newFolder();
    await download(hub, folder, followed(), { token });
    expect(await contentsOf(folder)).toEqual(await contentsOf(source));
    const ofHub = hub.requests.filter(({ server }) => server === 'hub');
    expect(new Set(ofHub.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${token}`]));
    const ofStorage = hub.requests.filter(({ server }) => server === 'storage');
    expect(ofStorage.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('does not follow a listing to another host', async () => {
    const other = await hubWith(await smallModel());
    const intercept = ({ path }: SeenRequest, response: ServerResponse): boolean => {
      if (!path.includes('/tree/')) return false;
      const link = `<${other.url}/api/models/${REPOSITORY}/tree/main?recursive=false>; rel="next"`;
      response.writeHead(200, { 'content-type': 'application/json', link }).end('[]');
      return true;
    };
    const hub = await hubWith(await smallModel(), { intercept });
    await download(hub, await newFolder(), followed(), { token: 'hf_secret' }).catch(() => undefined);
    expect(other.requests.length).toBeGreaterThan(0);
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
  });
});

describe('redirects', () => {
  it.each(['http://example.com/weights', 'http://localhost:1/weights', 'file:///etc/passwd'])(
    'are not followed to %s',
    async (location) => {
      const hub = await hubWith(await smallModel(), { intercept: storageAlways(status(302, { location })) });
      const error = await thrownBy(async () => download(hub, await newFolder()));
      expect(error).toMatchObject({
        code: 'hub/malformed',
        expected: 'an address that begins with https://',
      });
    },
  );

  it('end', async () => {
    const intercept = storageAlways((response, { path }) => {
      response.writeHead(302, { location: path }).end();
    });
    const hub = await hubWith(await smallModel(), { intercept });
    const error = await thrownBy(async () => download(hub, await newFolder()));
    expect(error).toMatchObject({ code: 'hub/malformed', expected: 'at most 6 redirects' });
  });
});
