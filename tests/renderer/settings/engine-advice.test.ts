import { describe, expect, it } from 'vitest';
import { cardsText, engineAdvice } from '../../../renderer/settings/engine-advice.ts';
import type { DoctorReport } from '../../../shared/doctor.ts';
import { DOCTOR } from '../fake-machine.ts';

const setUps = (report: DoctorReport): (string | null)[] => engineAdvice(report).map(({ setUp }) => setUp);

describe('engineAdvice', () => {
  it('offers the set-up of what is missing and would run', () => {
    expect(setUps(DOCTOR)).toEqual(['gpu', 'cpu', null]);
    expect(engineAdvice(DOCTOR).map(({ isTaken }) => isTaken)).toEqual([false, false, true]);
    expect(engineAdvice(DOCTOR)[0]).toMatchObject({
      text: 'TensorFlow for GPUs is not installed',
      remedy: null,
    });
  });

  it('offers none for GPUs without a card that can be used', () => {
    expect(setUps({ ...DOCTOR, driver: { state: 'missing' } })).toEqual([null, 'cpu', null]);
    const fault = { why: 'the driver is too old', remedy: 'update it' };
    const old = { name: 'GTX 970', memoryBytes: null, computeCapability: '5.2', fault };
    const report: DoctorReport = { ...DOCTOR, driver: { state: 'found', version: '470', devices: [old] } };
    expect(setUps(report)).toEqual([null, 'cpu', null]);
    expect(engineAdvice(report)[0]?.remedy).toBe('claq setup --gpu');
    expect(cardsText(report)).toBe('GTX 970: the driver is too old');
  });

  it('offers none where the recipe does not go', () => {
    expect(setUps({ ...DOCTOR, platform: 'darwin-arm64' })).toEqual([null, null, null]);
  });

  it('says what can be removed, and sets up anew what is broken', () => {
    const folder = '/home/ada/.cache/claq/tensorflow-cpu';
    const broken: DoctorReport = {
      ...DOCTOR,
      installations: [
        {
          variant: 'cpu',
          state: 'broken',
          folder,
          bytes: 853,
          fault: { why: 'a library is missing', remedy: 'set it up' },
        },
      ],
    };
    expect(engineAdvice(broken)[1]).toMatchObject({
      setUp: 'cpu',
      installed: { variant: 'cpu', bytes: 853 },
    });
    expect(engineAdvice(broken)[0]).toMatchObject({ setUp: null, installed: null });
  });

  it('names the cards', () => {
    expect(cardsText(DOCTOR)).toBe('NVIDIA RTX 4090');
    expect(cardsText({ ...DOCTOR, driver: { state: 'missing' } })).toBe('No NVIDIA driver');
    expect(cardsText({ ...DOCTOR, driver: { state: 'found', version: '570', devices: [] } })).toBe(
      'No card (driver 570)',
    );
  });
});
