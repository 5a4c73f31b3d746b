import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { askedProgram, OWN_PROGRAMS } from '../../shared/own-programs.ts';

describe('askedProgram', () => {
  it('is the app where nothing else is asked for', () => {
    expect(askedProgram(['/opt/claq-studio'])).toBeUndefined();
    expect(askedProgram(['electron', '.', '--inspect'])).toBeUndefined();
  });

  it('takes a program of ours with its arguments, from the binary and from an app in its folder', () => {
    const probe = { file: 'engine/tensors/probe-process', args: ['{}'] };
    expect(askedProgram(['/opt/claq-studio', '--claq-program', 'probe', '{}'])).toEqual(probe);
    expect(askedProgram(['electron', '/src', '--claq-program', 'probe', '{}'])).toEqual(probe);
  });

  it.each(['../../etc/passwd', 'constructor', '', 'engine/tensors/probe-process'])(
    'runs no other file: %j',
    (name) => {
      expect(askedProgram(['claq-studio', '--claq-program', name])).toBeUndefined();
    },
  );

  it('names files that are there', () => {
    for (const file of Object.values(OWN_PROGRAMS)) {
      expect(existsSync(fileURLToPath(new URL(`../../main/${file}.ts`, import.meta.url)))).toBe(true);
    }
  });
});
