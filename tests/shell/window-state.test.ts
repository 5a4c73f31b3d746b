import { describe, expect, it } from 'vitest';
import { openingState, windowStateSchema } from '../../main/shell/window-state.ts';

const LAPTOP = { x: 0, y: 25, width: 1920, height: 1055 };
const BESIDE = { x: 1920, y: 0, width: 2560, height: 1440 };

describe('openingState', () => {
  it('is the usual size in the middle of the first screen at the first start', () => {
    expect(openingState(undefined, [LAPTOP, BESIDE])).toEqual({
      bounds: { x: 280, y: 112, width: 1360, height: 880 },
      isMaximized: false,
    });
  });

  it('is no larger than the screen', () => {
    expect(openingState(undefined, [{ x: 0, y: 0, width: 1280, height: 720 }]).bounds).toEqual({
      x: 0,
      y: 0,
      width: 1280,
      height: 720,
    });
  });

  it('is where the window was', () => {
    const state = { bounds: { x: 2000, y: 40, width: 1000, height: 700 }, isMaximized: true };
    expect(openingState(state, [LAPTOP, BESIDE])).toEqual(state);
  });

  it.each([
    ['its screen is gone', { x: 2000, y: 40, width: 1000, height: 700 }],
    ['only its lower part is on a screen', { x: 100, y: -300, width: 1000, height: 700 }],
    ['its edge is below the screen', { x: 100, y: 1070, width: 1000, height: 700 }],
    ['too little of its edge can be caught', { x: 1850, y: 100, width: 1000, height: 700 }],
  ])('is the usual size where %s', (_case, bounds) => {
    expect(openingState({ bounds, isMaximized: true }, [LAPTOP])).toEqual({
      bounds: { x: 280, y: 112, width: 1360, height: 880 },
      isMaximized: true,
    });
  });

  it('is never smaller than the page can be', () => {
    const bounds = { x: 10, y: 30, width: 200, height: 100 };
    expect(openingState({ bounds, isMaximized: false }, [LAPTOP]).bounds).toEqual({
      x: 10,
      y: 30,
      width: 900,
      height: 600,
    });
  });
});

it.each([
  ['a word for a number', { bounds: { x: 'left', y: 0, width: 10, height: 10 }, isMaximized: false }],
  ['a size that no screen has', { bounds: { x: 0, y: 0, width: 1e9, height: 10 }, isMaximized: false }],
  ['nothing', null],
])('a file with %s is not taken for a state', (_case, value) => {
  expect(windowStateSchema.safeParse(value).success).toBe(false);
});
