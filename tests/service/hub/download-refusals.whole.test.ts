import { readdir, readFile, rm } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../../../main/service/bundled-texts.ts';
import type { DownloadRequest } from '../../../main/service/hub/download-model.ts';
import type { ClaqError } from '../../../shared/errors.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import type { LocalHub, SeenRequest } from './local-hub.ts';
import { download, followed, hubWith, newFolder, REPOSITORY, smallModel, WEIGHTS } from './small-hub.ts';

/** The error of a download that leaves nothing on the disk, and has fetched no weights. */
async function refused(hub: LocalHub, request: Partial<DownloadRequest> = {}): Promise<ClaqError> {
  const folder = await newFolder();
  const { waits, ...rest } = followed();
  const error = await thrownBy(() => download(hub, folder, rest, request));
  expect(await readdir(dirname(folder))).toEqual([]);
  expect(hub.requests.filter(({ server }) => server === 'storage')).toEqual([]);
  expect(waits).toEqual([]);
  return error;
}

const git = 'a'.repeat(40);

describe('a hub that says no', () => {
  it('has no such repository', async () => {
    const hub = await hubWith(await smallModel());
    const unknown = await refused(hub, { repository: 'owner/none', token: 'hf_token' });
    expect(unknown.code).toBe('hub/not-found');
    expect(unknown.message).toBe('The hub shows no model owner/none with this token');
    const anonymous = await refused(hub, { repository: 'owner/none' });
    expect(anonymous.code).toBe('hub/not-found');
    expect(anonymous.remedy).toContain('if the model is private, give a token');
  });

  it('has no such revision', async () => {
    const hub = await hubWith(await smallModel());
    const error = await refused(hub, { revision: 'refs/pr/1' });
    expect(error).toMatchObject({
      code: 'hub/not-found',
      message: `${REPOSITORY} has no revision refs/pr/1`,
      found: 'status 404: Invalid rev id: refs/pr/1',
    });
  });

  it('wants a token, or another one', async () => {
    const hub = await hubWith(await smallModel(), { repository: { token: 'hf_right' } });
    for (const request of [{}, { token: 'hf_wrong' }]) {
      const error = await refused(hub, request);
      expect(error.code).toBe('hub/needs-token');
      expect(error.found).toBe('status 401: Invalid credentials in Authorization header');
      expect(error.message).not.toContain('hf_wrong');
    }
  });

  it('wants a licence to be accepted', async () => {
    const hub = await hubWith(await smallModel(), { repository: { token: 'hf_right', gated: true } });
    for (const [token, status] of [
      [undefined, 401],
      ['hf_other', 403],
    ] as const) {
      const error = await refused(hub, token === undefined ? {} : { token });
      expect(error.code).toBe('hub/needs-token');
      expect(error.found).toContain(`status ${status}`);
      expect(error.remedy).toContain(`accept the licence on ${hub.url}/${REPOSITORY}`);
    }
  });
});

describe('a repository that is no model folder', () => {
  it('has pickled weights only', async () => {
    const source = await smallModel({ 'pytorch_model.bin': 'pickle' });
    await rm(join(source, WEIGHTS));
    const error = await refused(await hubWith(source));
    expect(error).toMatchObject({ code: 'weights/pickled', found: 'pytorch_model.bin' });
    expect(error.remedy).toContain('safe_serialization=True');
    expect(error.remedy).toContain(`'${REPOSITORY}'`);
  });

  it('has other weights', async () => {
    const source = await smallModel({ 'model.Q4_K_M.gguf': 'GGUF' });
    await rm(join(source, WEIGHTS));
    const error = await refused(await hubWith(source));
    expect(error).toMatchObject({ code: 'weights/missing-file', found: 'model.Q4_K_M.gguf' });
  });

  it('has no config', async () => {
    const source = await smallModel();
    await rm(join(source, 'config.json'));
    expect((await refused(await hubWith(source))).code).toBe('model/not-a-model-folder');
  });

  it('has a model that cannot be computed here', async () => {
    const config = await readFile(join(DEMO_MODEL, 'config.json'), 'utf8');
    const changed = config.replace('"llama"', '"mamba"').replace('LlamaForCausalLM', 'MambaForCausalLM');
    const error = await refused(await hubWith(await smallModel({ 'config.json': changed })));
    expect(error).toMatchObject({ code: 'model/unsupported' });
    expect(error.where).toContain(`${REPOSITORY}/config.json`);
  });

  it('lacks a shard', async () => {
    const index = { weight_map: { a: 'model-00001-of-00001.safetensors' } };
    const source = await smallModel({ 'model.safetensors.index.json': JSON.stringify(index) });
    await rm(join(source, WEIGHTS));
    const error = await refused(await hubWith(source));
    expect(error).toMatchObject({
      code: 'weights/missing-file',
      expected: 'model-00001-of-00001.safetensors',
    });
  });
});

describe('a listing that is not to be trusted', () => {
  it.each([
    '../evil.safetensors',
    '/etc/cron.d/evil',
    'a/../../evil.safetensors',
    '..\\evil.safetensors',
    'C:\\evil.safetensors',
    '..',
    'evil\0.safetensors',
    'x'.repeat(256),
  ])('is refused with the path %j', async (path) => {
    const listed = [{ type: 'file', path, size: 5, oid: git }];
    const error = await refused(await hubWith(await smallModel(), { repository: { listed } }));
    expect(error).toMatchObject({ code: 'hub/malformed', expected: 'plain names of files' });
  });

  it.each([
    ['no hash', { size: 5 }],
    ['a hash that is none', { size: 5, oid: '../evil' }],
    ['a size below nothing', { size: -1, oid: git }],
    ['a size that no file has', { size: 2 ** 41, oid: git }],
    ['a size that no tokenizer has', { size: 2 ** 30, oid: git }],
  ])('is refused with %s', async (_, fields) => {
    const listed = [{ type: 'file', path: 'tokenizer.json', ...fields }];
    const error = await refused(await hubWith(await smallModel(), { repository: { listed } }));
    expect(error.code).toBe('hub/malformed');
  });

  it('is refused where two names are one file on some systems', async () => {
    const listed = [
      { type: 'file', path: 'LICENSE', size: 5, oid: git },
      { type: 'file', path: 'license', size: 5, oid: git },
    ];
    const error = await refused(await hubWith(await smallModel(), { repository: { listed } }));
    expect(error).toMatchObject({ code: 'hub/malformed', found: '"license"' });
  });

  it('is refused where it has no end', async () => {
    const hub: { url: string } = { url: '' };
    const page = JSON.stringify(
      Array.from({ length: 1000 }, (_, n) => ({ type: 'file', path: `${n}.png`, size: 5, oid: git })),
    );
    const intercept = ({ path }: SeenRequest, response: ServerResponse): boolean => {
      if (!path.includes('/tree/')) return false;
      response.writeHead(200, { link: `<${hub.url}${path}>; rel="next"` }).end(page);
      return true;
    };
    const started = await hubWith(await smallModel(), { intercept });
    hub.url = started.url;
    const error = await refused(started);
    expect(error).toMatchObject({ code: 'hub/malformed', expected: 'at most 10000 files' });
    expect(started.requests).toHaveLength(12);
  });

  it.each(['not JSON', '{}', '[7]', '{"sha": "main"}'])('is refused as %s', async (answer) => {
    for (const part of ['/revision/', '/tree/']) {
      const intercept = ({ path }: SeenRequest, response: ServerResponse): boolean => {
        if (path.includes(part)) response.writeHead(200).end(answer);
        return path.includes(part);
      };
      const hub = await hubWith(await smallModel(), { intercept });
      expect((await refused(hub)).code).toBe('hub/malformed');
    }
  });
});

describe('a request that cannot be carried out', () => {
  it.each<Partial<DownloadRequest>>([
    { repository: '../..' },
    { repository: 'gpt2' },
    { repository: 'owner/name/more' },
    { repository: 'owner/name?x=1' },
    { revision: '' },
    { revision: 'main\r\nX: y' },
    { folder: '' },
    { token: 'hf_two words' },
    { hubUrl: 'http://example.com' },
  ])('is refused: %j', async (request) => {
    const hub = await hubWith(await smallModel());
    const error = await thrownBy(async () => download(hub, await newFolder(), followed(), request));
    expect(error.code).toBe('request/invalid');
    expect(hub.requests).toEqual([]);
  });
});
