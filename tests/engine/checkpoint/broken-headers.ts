/** Headers that the safetensors format does not allow, and how we say so. */
const good = '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

/** What is wrong; the header's JSON; bytes of the data behind it; part of the error's summary. */
export const BROKEN_HEADERS: readonly (readonly [string, string, number, string])[] = [
  ['no JSON', '{"a":', 8, 'not JSON'],
  ['an array', '[]', 0, 'not a JSON object'],
  ['a space in front', ` {${good}}`, 8, 'not a JSON object'],
  ['a key twice', `{${good},${good}}`, 8, 'same key twice'],
  [
    'a hidden key twice',
    `{${good},"\\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}`,
    16,
    'same key twice',
  ],
  [
    'a dtype twice',
    '{"a":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,4]}}',
    4,
    'same key twice',
  ],
  ['metadata that is no text', `{"__metadata__":{"n":1},${good}}`, 8, '__metadata__'],
  [
    'a shape with a fraction',
    '{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,6]}}',
    6,
    'describes a tensor wrongly',
  ],
  [
    'a negative size',
    '{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}',
    8,
    'describes a tensor wrongly',
  ],
  [
    'a size beyond 2^53',
    '{"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8]}}',
    8,
    'describes a tensor wrongly',
  ],
  [
    'three offsets',
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}',
    8,
    'describes a tensor wrongly',
  ],
  ['no shape', '{"a":{"dtype":"F32","data_offsets":[0,8]}}', 8, 'describes a tensor wrongly'],
  ['null', '{"a":null}', 0, 'describes a tensor wrongly'],
  [
    'an end before the begin',
    '{"a":{"dtype":"F32","shape":[0],"data_offsets":[8,0]}}',
    8,
    'outside the data',
  ],
  ['an end behind the file', `{${good}}`, 7, 'outside the data'],
  [
    'a product beyond 2^53',
    '{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,8]}}',
    8,
    'does not fit its shape',
  ],
  [
    'an extent too short',
    '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}',
    8,
    'does not fit its shape',
  ],
  [
    'an extent too long',
    '{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,8]}}',
    8,
    'does not fit its shape',
  ],
  [
    'an overlap',
    `{${good},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`,
    12,
    'overlapping tensors',
  ],
  [
    'the same place twice',
    `{${good},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`,
    8,
    'overlapping tensors',
  ],
  ['a hole', `{${good},"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, 16, 'a hole'],
  ['a hole at the start', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8, 'a hole'],
  ['bytes behind the last tensor', `{${good}}`, 9, 'belong to no tensor'],
];
