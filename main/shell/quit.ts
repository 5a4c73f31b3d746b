/** The way out: a question where something goes on, then the service is ended, then the program. */

export interface QuitParts {
  /** Whether the user agrees; asked only once at a time. */
  readonly agree: () => Promise<boolean>;
  /** Ends what must not be cut off. */
  readonly finish: () => Promise<void>;
  /** Finishing failed; the program quits all the same. */
  readonly onFault: (error: unknown) => void;
  /** Quits the program; this time nothing is in the way. */
  readonly quit: () => void;
}

export class QuitGuard {
  readonly #parts: QuitParts;
  #state: 'open' | 'asking' | 'finishing' | 'finished' = 'open';

  constructor(parts: QuitParts) {
    this.#parts = parts;
  }

  /**
   * The program is about to quit, or its last window to close. Returns whether it may; where it may not yet, the user is asked and
   * the program quits later, by itself.
   */
  mayQuit(): boolean {
    if (this.#state === 'open') void this.#leave();
    return this.#state === 'finished';
  }

  async #leave(): Promise<void> {
    const { agree, finish, onFault, quit } = this.#parts;
    this.#state = 'asking';
    if (!(await agree())) {
      this.#state = 'open';
      return;
    }
    this.#state = 'finishing';
    try {
      await finish();
    } catch (error) {
      onFault(error);
    }
    this.#state = 'finished';
    quit();
  }
}
