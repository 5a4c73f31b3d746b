/** What follows when the page's process dies: the page is loaded again; where it dies again and again, the user is asked. */
import type { RestartPolicy } from './restart-policy.ts';

export interface PageRecoveryParts {
  readonly policy: RestartPolicy;
  /** Loads the page, in a process of its own again. */
  readonly reload: () => void;
  /** What to do about a page that has died too often. */
  readonly ask: () => Promise<'reload' | 'quit'>;
  readonly quit: () => void;
}

export class PageRecovery {
  readonly #parts: PageRecoveryParts;
  #isGone = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PageRecoveryParts) {
    this.#parts = parts;
  }

  /** The page's process has died: its window is white. */
  died(): void {
    this.#isGone = true;
    const wait = this.#parts.policy.next();
    if (wait === undefined) void this.#ask();
    else this.#timer = setTimeout(() => this.#reload(), wait);
  }

  /** Somebody wants to see the page. One that is gone is loaded at once, however often it has died. */
  wanted(): void {
    if (!this.#isGone) return;
    this.#parts.policy.reset();
    this.#reload();
  }

  /** The window is closed: there is nothing to load the page into. */
  end(): void {
    clearTimeout(this.#timer);
    this.#isGone = false;
  }

  async #ask(): Promise<void> {
    if ((await this.#parts.ask()) === 'reload') this.wanted();
    else this.#parts.quit();
  }

  #reload(): void {
    clearTimeout(this.#timer);
    this.#isGone = false;
    this.#parts.reload();
  }
}
