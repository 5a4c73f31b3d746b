/**
 * Pictures that follow a slider take turns: one is drawn between two frames, whoever has waited longest, and none between two and
 * again between the next. So however many follow, a frame has room for one of them beside what the slider itself changes.
 */

export interface DrawingTurns {
  /** Once, however often it is asked for before its turn has come. */
  ask(draw: () => void): void;
  /** Takes back what was asked for. */
  leave(draw: () => void): void;
}

/** When a turn comes: each calls once. */
export interface TurnClock {
  /** Before the next frame. */
  readonly soon: (turn: () => void) => void;
  /** Behind it. */
  readonly behindFrame: (turn: () => void) => void;
}

export function drawingTurns({ soon, behindFrame }: TurnClock): DrawingTurns {
  /** In the order in which they asked. */
  const waiting = new Set<() => void>();
  /** Drawn in the turn before. */
  let last: (() => void) | undefined;
  let isAwaited = false;

  function turn(): void {
    const draw = [...waiting].find((each) => each !== last);
    last = draw;
    if (draw !== undefined) waiting.delete(draw);
    // A turn more than there are drawings: behind it the last one may be drawn at once.
    isAwaited = draw !== undefined || waiting.size > 0;
    if (isAwaited) behindFrame(turn);
    draw?.();
  }

  return {
    ask(draw) {
      waiting.add(draw);
      if (isAwaited) return;
      isAwaited = true;
      soon(turn);
    },
    leave: (draw) => void waiting.delete(draw),
  };
}
