import { describe, expect, it } from 'vitest';
import { drawingTurns } from '../../../renderer/charts/drawing-turns.ts';

/** Turns that the test makes, and what each of them drew. */
function turnsOf(...names: readonly string[]) {
  const asked: (() => void)[] = [];
  const clock: string[] = [];
  let drawn: string[] = [];
  const turns = drawingTurns({
    soon: (turn) => {
      clock.push('soon');
      asked.push(turn);
    },
    behindFrame: (turn) => {
      clock.push('behind a frame');
      asked.push(turn);
    },
  });
  const pictures = names.map((name) => () => void drawn.push(name));
  return {
    turns,
    pictures,
    clock,
    /** Undefined where no turn was asked for. */
    turn: (): string[] | undefined => {
      const next = asked.shift();
      if (next === undefined) return undefined;
      drawn = [];
      next();
      return drawn;
    },
  };
}

describe('pictures that follow a slider', () => {
  it('are drawn one a frame, in the order in which they asked', () => {
    const { turns, pictures, turn, clock } = turnsOf('a', 'b');
    for (const picture of [...pictures, ...pictures]) turns.ask(picture);
    expect([turn(), turn(), turn(), turn()]).toEqual([['a'], ['b'], [], undefined]);
    expect(clock).toEqual(['soon', 'behind a frame', 'behind a frame']);
  });

  it('take turns while all are moved at each frame', () => {
    const { turns, pictures, turn } = turnsOf('a', 'b');
    const move = (): string[] | undefined => {
      for (const picture of pictures) turns.ask(picture);
      return turn();
    };
    expect([move(), move(), move(), move()]).toEqual([['a'], ['b'], ['a'], ['b']]);
  });

  it('leave every other frame free where there is one alone, and are at once there after a rest', () => {
    const { turns, pictures, turn } = turnsOf('a');
    const move = (): string[] | undefined => {
      for (const picture of pictures) turns.ask(picture);
      return turn();
    };
    expect([move(), move(), move()]).toEqual([['a'], [], ['a']]);
    expect([turn(), turn()]).toEqual([[], undefined]);
    expect(move()).toEqual(['a']);
  });

  it('lose their turn when they go', () => {
    const { turns, pictures, turn } = turnsOf('a', 'b');
    for (const picture of pictures) turns.ask(picture);
    pictures.slice(0, 1).forEach((picture) => turns.leave(picture));
    expect([turn(), turn(), turn()]).toEqual([['b'], [], undefined]);
  });

  it('come one after the other though one of them fails', () => {
    const { turns, pictures, turn } = turnsOf('b');
    turns.ask(() => {
      throw new RangeError('no such series');
    });
    pictures.forEach((picture) => turns.ask(picture));
    expect(turn).toThrow('no such series');
    expect(turn()).toEqual(['b']);
  });
});
