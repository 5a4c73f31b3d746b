import { expect, it } from 'vitest';
import { siblingModule } from '../../main/engine/sibling-module.ts';

it.each([
  ['file:///opt/claq/main/engine/run.ts', './worker', 'file:///opt/claq/main/engine/worker.ts'],
  [
    'file:///opt/claq/build/app/main/engine/run.js',
    './worker',
    'file:///opt/claq/build/app/main/engine/worker.js',
  ],
  ['file:///opt/v1.2/main/engine/run.js', '../service/a-b', 'file:///opt/v1.2/main/service/a-b.js'],
])('of %s, %s is %s', (from, name, expected) => {
  expect(siblingModule(from, name).href).toBe(expected);
});
