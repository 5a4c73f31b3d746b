import type { Change } from '../../shared/contract.ts';
import { service } from './service.ts';
import { useWatch } from './use-watch.ts';

/** Calls `act` whenever the service says that something of a topic is another, as long as the component is there. */
export function useChangesOf(topic: Change['topic'], act: () => void): void {
  useWatch(
    (signal) => service.program.changes(undefined, { signal }),
    (changes) => {
      if (changes.some((change) => change.topic === topic)) act();
    },
  );
}
