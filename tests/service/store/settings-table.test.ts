import { expect, it } from 'vitest';
import type { Settings } from '../../../shared/settings.ts';
import { rowCounts, tamper, temporaryStore } from './temporary-store.ts';

const DEFAULTS: Settings = {
  theme: 'system',
  engine: 'auto',
  forwardPrecision: 'float32',
  threads: null,
  hostMemory: null,
  runsFolder: '/data/runs',
  modelsFolder: '/data/models',
  calibrationText: null,
};

it('reads what was set, and the defaults of the rest', async () => {
  const { store, file } = await temporaryStore();
  expect(store.settings.read(DEFAULTS)).toEqual(DEFAULTS);
  store.settings.write({ theme: 'dark', threads: 4, calibrationText: undefined });
  store.settings.write({ threads: 2, hostMemory: 1.5 });
  expect(store.settings.read(DEFAULTS)).toEqual({ ...DEFAULTS, theme: 'dark', threads: 2, hostMemory: 1.5 });
  expect(rowCounts(file)).toMatchObject({ settings: 3 });
});

it('keeps a null that was set over another default', async () => {
  const { store } = await temporaryStore();
  store.settings.write({ threads: null });
  expect(store.settings.read({ ...DEFAULTS, threads: 8 }).threads).toBeNull();
});

it('writes nothing of a change that is not one', async () => {
  const { store, file } = await temporaryStore();
  expect(() => {
    store.settings.write({ theme: 'dark', threads: 0 });
  }).toThrow('threads');
  expect(rowCounts(file)).toMatchObject({ settings: 0 });
});

it('passes over settings and values that it does not know', async () => {
  const { store, file } = await temporaryStore();
  store.settings.write({ engine: 'wasm' });
  tamper(file, (database) =>
    database.exec(`INSERT INTO settings VALUES ('theme', '"sepia"'), ('threads', '-1'), ('sound', 'true')`),
  );
  expect(store.settings.read(DEFAULTS)).toEqual({ ...DEFAULTS, engine: 'wasm' });
});
