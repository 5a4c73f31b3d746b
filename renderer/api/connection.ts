/** Keeps a line to the service: opens it, notices when it breaks, and opens it again. Knows nothing of what carries it. */
import type { ClientContext, ClientLink, ClientOptions } from '@orpc/client';
import { shallowRef, type ShallowRef } from 'vue';

/** `refused`: the service is there and does not let this window in; nothing but the user can mend that. */
export type ConnectionState = 'connecting' | 'open' | 'lost' | 'refused';

/** One opened line. */
export interface Line {
  readonly link: ClientLink<ClientContext>;
  /** Resolves when the line is broken. */
  readonly broken: Promise<void>;
}

/** A call that the service never answered. */
export class ConnectionLostError extends Error {
  constructor() {
    super('The connection to the service was lost');
    this.name = 'ConnectionLostError';
  }
}

/** The service does not let this window in. */
export class ConnectionRefusedError extends Error {
  constructor() {
    super('The service refused this window');
    this.name = 'ConnectionRefusedError';
  }
}

/** Waits between attempts, in milliseconds: a service that restarts is back in a second or two. */
const WAITS: readonly number[] = [100, 250, 500, 1000, 2000];
const LONGEST_WAIT = 4000;

export class Connection implements ClientLink<ClientContext> {
  readonly state: ShallowRef<ConnectionState> = shallowRef('connecting');
  /** How often a line was opened: what watches something begins anew when this grows. */
  readonly openings = shallowRef(0);
  private readonly openLine: () => Promise<Line>;
  private current: Promise<Line>;
  private resolveCurrent: (line: Line) => void = () => undefined;
  private rejectCurrent: (reason: unknown) => void = () => undefined;
  private wake: () => void = () => undefined;

  /** @param openLine opens a line, or throws; ConnectionRefusedError ends the attempts */
  constructor(openLine: () => Promise<Line>) {
    this.openLine = openLine;
    this.current = this.nextLine();
  }

  /** Opens the line and keeps it for as long as the window lives. */
  async keep(): Promise<void> {
    for (let failures = 0; ;) {
      try {
        const line = await this.openLine();
        failures = 0;
        this.resolveCurrent(line);
        this.state.value = 'open';
        this.openings.value++;
        await line.broken;
        this.lose();
      } catch (error) {
        if (error instanceof ConnectionRefusedError) {
          this.state.value = 'refused';
          this.rejectCurrent(error);
          return;
        }
        failures++;
        // The first attempt may meet a service that is still starting: calls wait for it a little.
        if (failures >= WAITS.length || this.state.value !== 'connecting') this.lose();
      }
      await this.wait(WAITS[failures] ?? LONGEST_WAIT);
    }
  }

  /** Tries again now instead of waiting. */
  retry(): void {
    this.wake();
  }

  /** Calls made before the first line is open wait for it; calls on a lost one fail at once. */
  async call(
    path: readonly string[],
    input: unknown,
    options: ClientOptions<ClientContext>,
  ): Promise<unknown> {
    if (this.state.value === 'lost') throw new ConnectionLostError();
    const line = await this.current;
    return await Promise.race([line.link.call(path, input, options), lostWhen(line.broken)]);
  }

  private lose(): void {
    this.state.value = 'lost';
    this.rejectCurrent(new ConnectionLostError());
    this.current = this.nextLine();
  }

  private nextLine(): Promise<Line> {
    const next = new Promise<Line>((resolve, reject) => {
      this.resolveCurrent = resolve;
      this.rejectCurrent = reject;
    });
    // Nobody may be waiting for it.
    next.catch(() => undefined);
    return next;
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function lostWhen(broken: Promise<void>): Promise<never> {
  await broken;
  throw new ConnectionLostError();
}
