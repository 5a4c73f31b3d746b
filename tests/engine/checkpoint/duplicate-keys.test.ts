import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstDuplicateKey } from '../../../main/engine/checkpoint/duplicate-keys.ts';

it.each([
  ['{"a":1,"b":2,"a":3}', 'a'],
  ['{"a":{"x":1},"b":{"y":[{"k":1,"k":2}]}}', 'k'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a\\"":1 , "a\\"" : 2}', 'a"'],
  ['{"":1,"":2}', ''],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('%s has %s twice', (json, key) => {
  expect(firstDuplicateKey(json)).toBe(key);
});

it.each([
  '{"a":"a","b":"a"}',
  '{"a":{"a":{"a":1}},"b":{"a":1}}',
  '{"a":["a","a","a:"],"b":"{\\"a\\":1,\\"a\\":2}"}',
  '[{"a":1},{"a":1}]',
  '"\\\\"',
  '{}',
])('%s has every key once', (json) => {
  expect(firstDuplicateKey(json)).toBeUndefined();
});

it('finds nothing in what JSON.stringify writes, and what is added to it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.boolean(), (value, spaced) => {
      const json = JSON.stringify(value, undefined, spaced ? 2 : 0);
      expect(firstDuplicateKey(json)).toBeUndefined();
      const [key = ''] = Object.keys(value);
      expect(firstDuplicateKey(`{${JSON.stringify(key)} :0,${json.slice(1)}`)).toBe(key);
    }),
  );
});
