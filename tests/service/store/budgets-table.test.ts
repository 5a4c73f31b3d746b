import { expect, it } from 'vitest';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { tamper, temporaryStore } from './temporary-store.ts';

const AT = '2026-03-01T08:00:00.000Z';
const CHOICES = budgetChoicesSchema.parse({
  budget: { bits: 2.12 },
  overrides: [{ layers: '0-1', matrices: ['v'], budget: { bits: 4 } }],
  outlierS: 7,
});

it('gives budgets back by name, and removes them', async () => {
  const { store } = await temporaryStore();
  const small = store.budgets.save({ name: 'small', choices: CHOICES }, AT);
  const large = store.budgets.save({ name: 'Large', choices: budgetChoicesSchema.parse({}) }, AT);
  expect(small).toMatchObject({ name: 'small', choices: CHOICES, savedAt: AT });
  expect(store.budgets.list()).toStrictEqual([large, small]);
  store.budgets.remove(small.id);
  expect(store.budgets.list()).toStrictEqual([large]);
});

it('takes the place of an earlier one of the same name', async () => {
  const { store } = await temporaryStore();
  const first = store.budgets.save({ name: 'small', choices: CHOICES }, AT);
  const later = '2026-03-02T08:00:00.000Z';
  const choices = budgetChoicesSchema.parse({ budget: { bits: 3 } });
  const second = store.budgets.save({ name: 'small', choices }, later);
  expect(second).toStrictEqual({ id: first.id, name: 'small', choices, savedAt: later });
  expect(store.budgets.list()).toStrictEqual([second]);
});

it('refuses a damaged entry', async () => {
  const { store, file } = await temporaryStore();
  store.budgets.save({ name: 'small', choices: CHOICES }, AT);
  tamper(file, (database) => database.exec(`UPDATE budgets SET choices = '{"budget":{"bits":"many"}}'`));
  expect(await thrownBy(() => store.budgets.list())).toMatchObject({
    code: 'store/damaged',
    where: 'budgets 1',
  });
});
