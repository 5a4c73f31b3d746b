import { describe, expect, it } from 'vitest';
import { deviceFault, neededDriver } from '../../../main/service/doctor/card-requirement.ts';

describe('neededDriver', () => {
  it.each<[string | null, number]>([
    [null, 525],
    ['6.1', 525],
    ['8.9', 525],
    ['9.0', 555],
    ['10.0', 570],
    ['12.1', 570],
  ])('compute capability %s needs %i', (capability, driver) => {
    expect(neededDriver(capability)).toBe(driver);
  });
});

describe('deviceFault', () => {
  const fault = (computeCapability: string | null, driver: string): string | undefined =>
    deviceFault({ name: 'The card', computeCapability }, driver)?.why;

  it.each<[string | null, string]>([
    ['6.0', '525.60.13'],
    ['8.6', '1000.10'],
    ['9.0', '555.42.02'],
    ['12.0', '570.86'],
    [null, '525.60.13'],
  ])('compute capability %s goes with driver %s', (capability, driver) => {
    expect(fault(capability, driver)).toBeUndefined();
  });

  it.each<[string | null, string]>([
    ['8.6', '520.61.05'],
    ['9.0', '550.54.15'],
    ['10.0', '565.57.01'],
    [null, '470.82.01'],
  ])('compute capability %s does not go with driver %s', (capability, driver) => {
    expect(fault(capability, driver)).toBe(`the driver ${driver} is too old for The card`);
  });

  it('has no driver for a card that TensorFlow has no kernels for', () => {
    expect(fault('5.2', '550.54.15')).toBe('The card is too old: compute capability 5.2, needed is 6.0');
  });
});
