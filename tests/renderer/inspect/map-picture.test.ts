import { describe, expect, it } from 'vitest';
import {
  cellAtPlace,
  cellFrame,
  entryPixels,
  frameShapes,
  type MapPicture,
  mapSvg,
} from '../../../renderer/inspect/map-picture.ts';
import { chosenBefore } from '../../../renderer/inspect/stripes.ts';
import { COLOURS } from '../charts/chart-colours.ts';

// A plot of 400 x 300 pixels.
const SIZE = { width: 472, height: 352 };
const picture: MapPicture = {
  shape: { rows: 300, columns: 400 },
  window: { x: 100, y: 30, width: 100, height: 60 },
  before: chosenBefore(
    Int32Array.from({ length: 400 }, (_, at) => (at === 0 ? 120 : at)),
    1,
  ),
  entries: undefined,
  s: 5,
};

describe('cellAtPlace', () => {
  it('is the cell under the pointer', () => {
    expect(cellAtPlace({ x: 60, y: 10 }, SIZE, picture)).toEqual({ row: 30, column: 100 });
    expect(cellAtPlace({ x: 459, y: 309 }, SIZE, picture)).toEqual({ row: 89, column: 199 });
  });
  it('is none beside the plot', () => {
    expect(cellAtPlace({ x: 59, y: 20 }, SIZE, picture)).toBeUndefined();
    expect(cellAtPlace({ x: 460, y: 20 }, SIZE, picture)).toBeUndefined();
    expect(cellAtPlace({ x: 80, y: 310 }, SIZE, picture)).toBeUndefined();
  });
});

describe('cellFrame', () => {
  it('is around the cell, and never too small to be seen', () => {
    const near = { x: 100, y: 30, width: 40, height: 30 };
    expect(cellFrame({ row: 30, column: 101 }, near, SIZE)).toEqual({ x: 70, y: 10, width: 10, height: 10 });
    const far = { x: 0, y: 0, width: 400, height: 300 };
    expect(cellFrame({ row: 0, column: 0 }, far, SIZE)).toEqual({ x: 58, y: 8, width: 5, height: 5 });
  });
});

it('colours entries from nothing to S times the mean', () => {
  expect([...entryPixels(Float32Array.of(0, 2.5, 5, 40), 5)]).toEqual(
    [
      [0x44, 0x01, 0x54, 255],
      [0x21, 0x91, 0x8c, 255],
      [0xfd, 0xe7, 0x25, 255],
      [0xfd, 0xe7, 0x25, 255],
    ].flat(),
  );
});

describe('the frame', () => {
  it('has axes with names and round figures', () => {
    const texts = frameShapes(picture, SIZE, COLOURS).flatMap(({ text }) => text ?? []);
    expect(texts).toEqual([
      ...['100', '150', '200', '40', '60', '80'],
      ...['Column (input channel)', 'Row (output channel)'],
    ]);
  });
  it('marks the chosen columns where entries are shown', () => {
    const entries = { rows: [0, 0], columns: [0, 0], values: new Float32Array() } as const;
    const marks = frameShapes({ ...picture, entries }, SIZE, COLOURS).filter(({ name }) => name === 'rect');
    expect(marks.map(({ attributes }) => [attributes['x'], attributes['width']])).toEqual([[140, 3.5]]);
  });
  it('stands around the picture in a file', () => {
    const text = mapSvg(picture, SIZE, 'data:image/png;base64,AA', 'Map', COLOURS);
    expect(text).toContain(
      '<image x="60" y="10" width="400" height="300" href="data:image/png;base64,AA" preserveAspectRatio="none"/>',
    );
  });
});
