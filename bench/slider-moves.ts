/** What a move of a slider takes in a page, from the event to the frame that shows it. */
import type { Page } from 'playwright-core';
import { quantile } from './page-frames.ts';

/** Milliseconds of each move. */
export interface SliderMoves {
  /** From the event until the document has what follows from it. */
  readonly computed: readonly number[];
  /** From the event until the page has drawn the frame, as far as its main thread goes. */
  readonly drawn: readonly number[];
  /** How many of the moves changed the watched text before their frame. */
  readonly shown: number;
}

/**
 * Moves a slider to another place in each frame, up and down its whole length.
 * @param slider its label
 * @param watched title of the card whose figures follow it
 */
export async function moveSlider(
  page: Page,
  slider: string,
  watched: string,
  moves: number,
): Promise<SliderMoves> {
  return page.evaluate<SliderMoves>(`new Promise((resolve, reject) => {
    const labels = [...document.querySelectorAll('label')];
    const input = labels.find(({ textContent }) => textContent === ${JSON.stringify(slider)})?.control;
    const card = document.querySelector(${JSON.stringify(`[aria-label="${watched}"]`)});
    if (input?.type !== 'range' || card === null) return reject(new Error('there is no such slider or card'));
    const [low, high] = [Number(input.min), Number(input.max)];
    const computed = [];
    const drawn = [];
    let shown = 0;
    const frame = () => {
      if (computed.length === ${moves}) return resolve({ computed, drawn, shown });
      const before = card.textContent;
      const begun = performance.now();
      // 29 and 101 are primes: each place once, neighbours of the list far apart on the slider.
      input.valueAsNumber = low + (((29 * (computed.length + 1)) % 101) / 101) * (high - low);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      // Behind the microtask in which the page's framework changes the document.
      queueMicrotask(() => {
        computed.push(performance.now() - begun);
        if (card.textContent !== before) shown++;
      });
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        drawn.push(performance.now() - begun);
        requestAnimationFrame(frame);
      };
      channel.port2.postMessage(undefined);
    };
    requestAnimationFrame(frame);
  })`);
}

/** Cells of a table: median and 95th percentile of both, and how many were shown at once. */
export function movesCells({ computed, drawn, shown }: SliderMoves): string[] {
  const milliseconds = (values: readonly number[], share: number): string =>
    `${quantile(values, share).toFixed(1)} ms`;
  return [
    milliseconds(computed, 0.5),
    milliseconds(computed, 0.95),
    milliseconds(drawn, 0.5),
    milliseconds(drawn, 0.95),
    `${shown} of ${computed.length}`,
  ];
}
