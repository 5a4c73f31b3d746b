/** What the shell tells the page without being asked. */
import { EventPublisher } from '@orpc/server';
import type { ServiceState, ShellEvent } from '../../shared/shell-contract.ts';

export class ShellEvents {
  readonly #publisher = new EventPublisher<{ told: ShellEvent }>();

  tell(event: ShellEvent): void {
    this.#publisher.publish('told', event);
  }

  /** The service's state as it is now, then everything that is told. Ends with the signal, without an error. */
  async *watch(service: () => ServiceState, signal: AbortSignal): AsyncGenerator<ShellEvent, undefined> {
    // Subscribed first, so that nothing falls between the two.
    const told = this.#publisher.subscribe('told', { signal });
    try {
      yield { kind: 'service', service: service() };
      yield* told;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
