/** Short messages that come and go: `say('Copied')`. Errors that need reading stay where they happened, in an ErrorPanel. */
import { shallowRef } from 'vue';

export interface StatusMessage {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

/** Milliseconds that a message stays. */
const STAYS = 5000;
const AT_ONCE = 3;

export const statusMessages = shallowRef<readonly StatusMessage[]>([]);
let last = 0;

export function say(text: string, tone: StatusMessage['tone'] = 'plain'): void {
  const message = { id: ++last, text, tone };
  statusMessages.value = [...statusMessages.value.slice(1 - AT_ONCE), message];
  setTimeout(() => dismissMessage(message.id), STAYS);
}

export function dismissMessage(id: number): void {
  statusMessages.value = statusMessages.value.filter((message) => message.id !== id);
}
