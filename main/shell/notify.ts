/** The system's notifications, for somebody who looks at another window. */
import { Notification } from 'electron';
import type { Notice } from './at-work.ts';

/** A notification that is collected as garbage is not clicked any more. */
const shown = new Set<Notification>();

export function notify({ title, body, route }: Notice, onClick: (route: string | undefined) => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  shown.add(notification);
  notification.on('click', () => {
    shown.delete(notification);
    onClick(route);
  });
  notification.on('close', () => shown.delete(notification));
  notification.show();
}
