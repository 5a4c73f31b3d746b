/** The shell's own line to the service: it follows what goes on, for taskbar, notifications, power and the question at the end. */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import type { MessagePortMain } from 'electron';
import type { Activity } from '../../shared/activity.ts';
import type { contract } from '../../shared/contract.ts';

export type OnActivities = (now: readonly Activity[], before: readonly Activity[]) => void;

export class ActivityWatch {
  readonly #onActivities: OnActivities;
  #line = 0;
  #latest: readonly Activity[] = [];

  constructor(onActivities: OnActivities) {
    this.#onActivities = onActivities;
  }

  get latest(): readonly Activity[] {
    return this.#latest;
  }

  /** Follows the service at the other end of the port, which is a new one: of the last one nothing goes on any more. */
  async follow(port: MessagePortMain): Promise<void> {
    const line = ++this.#line;
    this.lose();
    const client: ContractRouterClient<typeof contract> = createORPCClient(new RPCLink({ port }));
    port.start();
    try {
      for await (const activities of await client.activities.watch()) {
        if (line !== this.#line) return;
        this.#tell(activities);
      }
    } catch {
      // The service ended. Its process is watched elsewhere, and started again.
    }
    if (line === this.#line) this.lose();
  }

  /** The service is gone, and everything that went on in it. */
  lose(): void {
    if (this.#latest.length > 0) this.#tell([]);
  }

  #tell(activities: readonly Activity[]): void {
    const before = this.#latest;
    this.#latest = activities;
    this.#onActivities(activities, before);
  }
}
