import { describe, expect, it } from 'vitest';
import { hubAddress, mayVisit } from '../../../main/service/hub/hub-address.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';

describe('hubAddress', () => {
  it('is the public hub where nothing is said', () => {
    const address = { url: 'https://huggingface.co', origin: 'https://huggingface.co', token: undefined };
    expect(hubAddress({}, {})).toEqual(address);
    expect(hubAddress({}, { HF_ENDPOINT: '', HF_TOKEN: ' ' })).toEqual(address);
  });

  it('honours the environment', () => {
    const env = { HF_ENDPOINT: 'https://mirror.example/hf/', HF_TOKEN: 'hf_env\n' };
    expect(hubAddress({}, env)).toEqual({
      url: 'https://mirror.example/hf',
      origin: 'https://mirror.example',
      token: 'hf_env',
    });
    expect(hubAddress({ token: 'hf_own' }, env).token).toBe('hf_own');
  });

  it("gives the environment's token to no hub that the caller names", () => {
    const env = { HF_TOKEN: 'hf_env' };
    expect(hubAddress({ hubUrl: 'https://other.example' }, env).token).toBeUndefined();
    expect(hubAddress({ hubUrl: 'https://other.example', token: 'hf_own' }, env).token).toBe('hf_own');
  });

  it.each(['http://localhost:8080', 'http://127.0.0.1:9', 'http://[::1]:9'])('takes %s', (hubUrl) => {
    expect(hubAddress({ hubUrl }, {}).url).toBe(hubUrl);
  });

  it.each([
    'huggingface.co',
    'http://huggingface.co',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'ftp://localhost',
    'https://user:secret@huggingface.co',
    'https://huggingface.co?x=1',
    'https://huggingface.co#x',
  ])('refuses %s', async (text) => {
    expect(await thrownBy(() => hubAddress({ hubUrl: text }, {}))).toMatchObject({
      code: 'request/invalid',
      where: 'hubUrl',
    });
    expect(await thrownBy(() => hubAddress({}, { HF_ENDPOINT: text }))).toMatchObject({
      code: 'request/invalid',
      where: 'HF_ENDPOINT',
    });
  });

  it('does not repeat a token that it refuses', async () => {
    const error = await thrownBy(() => hubAddress({ token: 'hf_secret\r\nx' }, {}));
    expect(error.code).toBe('request/invalid');
    expect(JSON.stringify([error.message, error.found, error.expected])).not.toContain('secret');
  });
});

describe('mayVisit', () => {
  it.each([
    ['https://huggingface.co', 'https://cdn.example/x', true],
    ['https://huggingface.co', 'http://huggingface.co/x', false],
    ['https://huggingface.co', 'http://127.0.0.1/x', false],
    ['http://127.0.0.1:1', 'http://127.0.0.1:2/x', true],
    ['http://127.0.0.1:1', 'http://localhost:2/x', false],
    ['http://127.0.0.1:1', 'https://cdn.example/x', true],
    ['http://127.0.0.1:1', 'http://cdn.example/x', false],
    ['https://huggingface.co', 'file:///etc/passwd', false],
  ])('from %s to %s: %s', (hubUrl, target, expected) => {
    expect(mayVisit(hubAddress({ hubUrl }, {}), new URL(target))).toBe(expected);
  });
});
