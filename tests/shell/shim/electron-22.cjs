/**
 * What the shell uses of Electron and Node that Electron 22 does not have yet, for tests in that one. The product never loads this.
 * CommonJS for Node 16.
 */
'use strict';
const { fork } = require('node:child_process');
const { EventEmitter } = require('node:events');
const { Blob } = require('node:buffer');
const { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const electron = require('electron');

// Of Node 18 and later, which oRPC looks at when it is loaded, and when it asks what a value is.
for (const [name, value] of Object.entries({ Blob, ...require('node:stream/web') }))
  globalThis[name] ??= value;
for (const name of ['File', 'FormData', 'Headers', 'Request']) globalThis[name] ??= class {};

AbortSignal.any ??= (signals) => {
  const any = new AbortController();
  for (const signal of signals) signal.addEventListener('abort', () => any.abort(signal.reason));
  return any.signal;
};
URL.canParse ??= (address) => {
  try {
    return Boolean(new URL(address));
  } catch {
    return false;
  }
};

/** As much of Response as protocol.ts makes. */
globalThis.Response ??= class Response {
  constructor(body, { status, headers }) {
    Object.assign(this, { body: Buffer.from(body), status, headers });
  }
};

electron.protocol.handle ??= (scheme, handler) => {
  electron.protocol.registerBufferProtocol(scheme, ({ url, method }, callback) => {
    void handler({ url, method }).then(({ body, status, headers }) =>
      callback({
        statusCode: status,
        headers,
        mimeType: headers['Content-Type'].split(';')[0],
        charset: 'utf-8',
        data: body,
      }),
    );
  });
};

const { safeStorage } = electron;
safeStorage.isAsyncEncryptionAvailable ??= async () => safeStorage.isEncryptionAvailable();
safeStorage.encryptStringAsync ??= async (text) => safeStorage.encryptString(text);
safeStorage.decryptStringAsync ??= async (encrypted) => ({ result: safeStorage.decryptString(encrypted) });
safeStorage.getSelectedStorageBackend ??= () => 'basic_text';

/** A utility process on Node 24: messages over Node's channel, ports as numbers on it (parent-port.mjs is the other end). */
class NodeProcess extends EventEmitter {
  #ports = new Map();
  #child;

  constructor(modulePath, args) {
    super();
    this.#child = fork(modulePath, args, {
      execPath: process.env.CLAQ_TEST_NODE,
      execArgv: ['--import', process.env.CLAQ_TEST_PARENT_PORT],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.stdout = this.#child.stdout;
    this.stderr = this.#child.stderr;
    this.pid = this.#child.pid;
    this.#child.on('message', (message) => {
      if (message.port === undefined) this.emit('message', message.data);
      else this.#ports.get(message.port)?.postMessage(message.data);
    });
    this.#child.on('exit', (code) => {
      for (const port of this.#ports.values()) port.close();
      this.#ports.clear();
      this.emit('exit', code ?? 1);
    });
  }

  postMessage(data, transfer = []) {
    const ports = transfer.map((port) => {
      const number = NodeProcess.nextPort++;
      this.#ports.set(number, port);
      port.on('message', (event) => this.#send({ port: number, data: event.data }));
      port.on('close', () => {
        this.#ports.delete(number);
        this.#send({ closed: number });
      });
      port.start();
      return number;
    });
    this.#send({ data, ports });
  }

  kill() {
    return this.#child.kill('SIGKILL');
  }

  #send(message) {
    if (this.#child.connected) this.#child.send(message);
  }

  static nextPort = 1;
}

/** Copies a packaged app out of its archive, which Electron reads like a folder and Node not at all. Returns the folder. */
function unpack(archive, folder = mkdtempSync(join(tmpdir(), 'claq-unpacked-'))) {
  for (const entry of readdirSync(archive, { withFileTypes: true })) {
    const [from, to] = [join(archive, entry.name), join(folder, entry.name)];
    if (entry.isDirectory()) {
      mkdirSync(to);
      unpack(from, to);
    } else writeFileSync(to, readFileSync(from));
  }
  return folder;
}

/** Where a module of the app can be run by Node. */
function onDisk(modulePath) {
  const [, archive, inside] = /^(.*[/\\]app\.asar)[/\\](.*)$/.exec(modulePath) ?? [];
  return archive === undefined ? modulePath : join(unpack(archive), inside);
}

electron.utilityProcess.fork = (modulePath, args) => {
  globalThis.service = new NodeProcess(process.env.CLAQ_TEST_SERVICE ?? onDisk(modulePath), args);
  return globalThis.service;
};
