import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it, vi } from 'vitest';

/** Electron's side, and what it is told. */
const electron = vi.hoisted(() => {
  const listeners = new Map<string, (...args: unknown[]) => void>();
  const sent: string[] = [];
  return {
    sent,
    hear: (channel: string, ...args: unknown[]) => listeners.get(channel)?.(...args),
    ipcRenderer: {
      on: (channel: string, listener: (...args: unknown[]) => void) => listeners.set(channel, listener),
      send: (channel: string) => sent.push(channel),
    },
    webUtils: { getPathForFile: ({ name }: { name: string }) => `/home/ada/${name}` },
  };
});
vi.mock('electron', () => electron);

/** As much of a window as the script uses. */
class FakeWindow extends EventEmitter {
  readonly location = { origin: 'claq://app' };
  readonly posted: unknown[][] = [];
  readonly addEventListener = this.on.bind(this);
  postMessage(...args: unknown[]): void {
    this.posted.push(args);
  }
}

const page = new FakeWindow();

beforeAll(async () => {
  vi.stubGlobal('window', page);
  // Named by a value: its types are a browser's.
  const script = fileURLToPath(new URL('../../preload/preload.ts', import.meta.url));
  await import(script);
});

it('asks for ports once the document is there', () => {
  expect(electron.sent).toEqual([]);
  page.emit('DOMContentLoaded');
  expect(electron.sent).toEqual(['ports-wanted']);
});

it('hands ports to the page, and to no other origin', () => {
  const ports = [{}, {}];
  electron.hear('ports', { ports });
  expect(page.posted.splice(0)).toEqual([[{ kind: 'claq-ports' }, 'claq://app', ports]]);
});

it('tells the page the paths of what is dropped on it', () => {
  page.emit('drop', { dataTransfer: { files: [{ name: 'llama' }, { name: 'notes.txt' }] } });
  expect(page.posted.splice(0)).toEqual([
    [{ kind: 'claq-dropped', paths: ['/home/ada/llama', '/home/ada/notes.txt'] }, 'claq://app'],
  ]);
});

it('says nothing of what is dropped without being a file', () => {
  page.emit('drop', { dataTransfer: { files: [] } });
  page.emit('drop', { dataTransfer: null });
  expect(page.posted).toEqual([]);
});
