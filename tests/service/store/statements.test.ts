import { expect, it } from 'vitest';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { addWholeModel } from './samples.ts';
import { tamper, temporaryStore } from './temporary-store.ts';

it.each([
  ['models', 'models', `description = '{"family":"mamba"}'`, 'description.family'],
  ['models', 'models', `source = '[]'`, 'source'],
  ['runs', 'runs', `state = 'dreaming'`, 'state'],
  ['runs', 'runs', `figures = '{}'`, 'figures.nominalBits'],
  ['runs', 'runs', `choices = '{"budget":{"bits":99}}'`, 'choices.budget.bits'],
  ['runs', 'matrices', `kind = 'router' WHERE id = 1`, 'kind'],
  ['runs', 'matrices', `loss = 9e999`, 'loss'],
  ['runs', 'matrices', `classes = x'00'`, 'classes'],
  ['runs', 'exports', `target = '{"format":"poem"}'`, 'target.format'],
] as const)('names a damaged entry: read %s, %s with %s', async (read, table, change, column) => {
  const { store, file } = await temporaryStore();
  const { modelId, runId } = addWholeModel(store, 'a');
  tamper(file, (database) => database.exec(`UPDATE ${table} SET ${change}`));
  const error = await thrownBy(() => (read === 'models' ? store.models.get(modelId) : store.runs.get(runId)));
  expect(error).toMatchObject({
    code: 'store/damaged',
    message: 'An entry of the library is damaged',
    where: `${table} 1`,
  });
  expect(error.found?.split(':')[0]).toBe(column);
});

it('names text that is no JSON', async () => {
  const { store, file } = await temporaryStore();
  const { modelId, runId } = addWholeModel(store, 'a');
  tamper(file, (database) => {
    database.pragma('ignore_check_constraints = ON');
    database.exec(`UPDATE runs SET choices = '{', figures = '{'`);
  });
  expect(await thrownBy(() => store.runs.get(runId))).toMatchObject({
    code: 'store/damaged',
    where: 'runs 1',
  });
  // Here it is SQLite that reads it.
  expect(await thrownBy(() => store.models.get(modelId))).toMatchObject({
    code: 'store/damaged',
    where: 'models',
    found: 'malformed JSON (SQLITE_ERROR)',
  });
});

it('does not let what is no JSON or of another type in', async () => {
  const { store, file } = await temporaryStore();
  addWholeModel(store, 'a');
  for (const change of [`figures = '{'`, `blocks = 'many'`, `state = 'queued'`, `queue_place = 1`]) {
    expect(() => tamper(file, (database) => database.exec(`UPDATE runs SET ${change}`))).toThrow();
  }
});
