/**
 * A hub on this machine: what a download asks a Hugging Face hub, answered from folders over real HTTP. Large files are
 * redirected to a second server on another port, as hubs do with their storage.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';

/** A model at one commit, under one branch. */
export interface LocalRepository {
  /** Name of its branch. */
  readonly revision: string;
  /** Folder with its files. */
  readonly files: string;
  /** A token without which its files are not given out. */
  readonly token?: string;
  /** Only to those who accepted a licence: says so where the token is missing. */
  readonly gated?: boolean;
  /** Entries of the listing in addition to the folder's own, or instead of one with the same path. */
  readonly listed?: readonly object[];
}

export interface SeenRequest {
  readonly server: 'hub' | 'storage';
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Name of the file that is asked for, where one is. */
  readonly file: string | undefined;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

export interface LocalHubOptions {
  /** By name: `owner/name`. */
  readonly repositories: Readonly<Record<string, LocalRepository>>;
  /** Files of a page of the listing. */
  readonly pageSize?: number;
  /** Whether the storage knows ranges. */
  readonly ranges?: boolean;
  /** Answers a request itself; true where it did. */
  readonly intercept?: (request: SeenRequest, response: ServerResponse) => boolean;
}

export interface LocalHub {
  readonly url: string;
  /** In the order in which they came. */
  readonly requests: readonly SeenRequest[];
  close(): Promise<void>;
}

/** Files from this size on are kept in the storage. */
const LARGE_BYTES = 100_000;
const STORAGE_PATH = '/storage/';

interface StoredFile {
  readonly path: string;
  readonly size: number;
  readonly gitHash: string;
  readonly sha256: string;
}

interface Snapshot extends LocalRepository {
  readonly name: string;
  readonly commit: string;
  readonly byName: ReadonlyMap<string, StoredFile>;
}

/** The commit that a local hub has for these files: it follows from their contents. */
export async function localCommit(folder: string): Promise<string> {
  const files = await storedFiles(folder);
  const hash = createHash('sha1');
  for (const [name, { gitHash }] of files) hash.update(`${gitHash} ${name}\n`);
  return hash.digest('hex');
}

/** Starts both servers on free ports of 127.0.0.1. */
export async function startLocalHub(options: LocalHubOptions): Promise<LocalHub> {
  const { repositories, pageSize = 3, ranges = true, intercept = () => false } = options;
  const requests: SeenRequest[] = [];
  const snapshots = new Map<string, Snapshot>();
  for (const [name, repository] of Object.entries(repositories)) {
    const { files } = repository;
    snapshots.set(name, {
      ...repository,
      name,
      commit: await localCommit(files),
      byName: await storedFiles(files),
    });
  }
  const listener =
    (server: SeenRequest['server'], answer: (request: SeenRequest, response: ServerResponse) => void) =>
    (incoming: IncomingMessage, response: ServerResponse): void => {
      const request = seen(server, incoming);
      requests.push(request);
      if (!intercept(request, response)) answer(request, response);
    };

  const storage = createServer(
    listener('storage', ({ path, range }, response) => {
      const sha256 = path.slice(STORAGE_PATH.length).split('/')[0];
      const stored = [...snapshots.values()]
        .flatMap(({ byName }) => [...byName.values()])
        .find((file) => file.sha256 === sha256);
      if (stored === undefined) response.writeHead(403).end('expired');
      else sendFile(response, stored, ranges ? range : undefined);
    }),
  );
  const storageUrl = await listen(storage);

  const hub = createServer(
    listener('hub', (request, response) => {
      const { pathname, searchParams } = new URL(request.path, 'http://hub');
      const parts = pathname.split('/').slice(1).map(decodeURIComponent);
      const isApi = parts[0] === 'api';
      const [owner = '', model = '', verb, revision, ...rest] = isApi ? parts.slice(2) : parts;
      const repository = snapshots.get(`${owner}/${model}`);
      const isKnown = request.authorization !== undefined;
      if (repository === undefined) {
        refuse(response, isKnown ? 404 : 401, 'RepoNotFound', 'Repository not found');
      } else if (revision !== repository.revision && revision !== repository.commit) {
        refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision ?? ''}`);
      } else if (verb === 'revision') {
        sendJson(response, modelInfo(repository));
      } else if (verb === 'tree') {
        const from = Number(searchParams.get('cursor') ?? '0');
        const entries = listing(repository);
        const next = from + pageSize;
        const link = `<${hubUrl}${pathname}?cursor=${next}>; rel="next"`;
        sendJson(response, entries.slice(from, next), next < entries.length ? { link } : {});
      } else if (verb === 'resolve' || verb === 'resolve-cache') {
        const name = rest.join('/');
        const stored = repository.byName.get(name);
        const mayRead =
          repository.token === undefined || request.authorization === `Bearer ${repository.token}`;
        if (!mayRead) refuseReader(response, repository, isKnown);
        else if (stored === undefined) refuse(response, 404, 'EntryNotFound', 'Entry not found');
        else if (stored.size >= LARGE_BYTES) {
          response
            .writeHead(302, { location: `${storageUrl}${STORAGE_PATH}${stored.sha256}/${name}?signature=s` })
            .end();
        } else if (verb === 'resolve') {
          // As the real one does, within its own host.
          const path = [owner, model, 'resolve-cache', repository.commit, name].map(encodeURIComponent);
          response.writeHead(307, { location: `/api/models/${path.join('/')}` }).end();
        } else sendFile(response, stored, request.range);
      } else response.writeHead(404).end();
    }),
  );
  const hubUrl = await listen(hub);
  return {
    url: hubUrl,
    requests,
    close: async () => {
      await Promise.all([stop(hub), stop(storage)]);
    },
  };
}

function seen(
  server: SeenRequest['server'],
  { method = '', url = '', headers }: IncomingMessage,
): SeenRequest {
  const { pathname } = new URL(url, 'http://any');
  const isFile = server === 'storage' || /\/resolve(-cache)?\//.test(pathname);
  return {
    server,
    method,
    path: url,
    file: isFile ? decodeURIComponent(pathname.split('/').at(-1) ?? '') : undefined,
    range: headers.range,
    authorization: headers.authorization,
  };
}

async function storedFiles(folder: string): Promise<ReadonlyMap<string, StoredFile>> {
  const files = new Map<string, StoredFile>();
  for (const name of (await readdir(folder)).toSorted()) {
    const path = join(folder, name);
    const content = await readFile(path);
    const gitHash = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    const sha256 = createHash('sha256').update(content).digest('hex');
    files.set(name, { path, size: content.length, gitHash, sha256 });
  }
  return files;
}

function listing({ byName, listed = [] }: Snapshot): object[] {
  const entries = new Map<string, object>([['originals', { type: 'directory', path: 'originals', size: 0 }]]);
  for (const [path, { size, gitHash, sha256 }] of byName) {
    const entry = { type: 'file', path, size, oid: gitHash };
    // The object id of a large file is that of its pointer.
    const large = { ...entry, oid: '0'.repeat(40), lfs: { oid: sha256, size, pointerSize: 135 } };
    entries.set(path, size >= LARGE_BYTES ? large : entry);
  }
  for (const entry of listed) entries.set('path' in entry ? String(entry.path) : '', entry);
  return [...entries.values()];
}

function modelInfo({ name, commit, gated = false }: Snapshot): object {
  return {
    _id: '64b0c0ffee',
    id: name,
    sha: commit,
    private: false,
    gated: gated ? 'manual' : false,
    downloads: 0,
    likes: 0,
    lastModified: '2026-01-01T00:00:00.000Z',
  };
}

function refuseReader(response: ServerResponse, { gated = false, name }: Snapshot, isKnown: boolean): void {
  if (gated) {
    refuse(response, isKnown ? 403 : 401, 'GatedRepo', `Access to model ${name} is restricted.`);
  } else {
    refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
  }
}

function refuse(response: ServerResponse, status: number, code: string | undefined, message: string): void {
  const named = code === undefined ? {} : { 'x-error-code': code };
  response
    .writeHead(status, { ...named, 'x-error-message': message, 'content-type': 'application/json' })
    .end(JSON.stringify({ error: message }));
}

function sendJson(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

function sendFile(response: ServerResponse, { path, size }: StoredFile, range: string | undefined): void {
  const start = /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
  const from = start === undefined ? 0 : Number(start);
  const common = { 'content-length': size - from, 'accept-ranges': 'bytes' };
  if (start === undefined) response.writeHead(200, common);
  else response.writeHead(206, { ...common, 'content-range': `bytes ${from}-${size - 1}/${size}` });
  createReadStream(path, { start: from }).pipe(response);
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
