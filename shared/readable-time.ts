/** Points in time as people read them, the same in a terminal and in a window. */

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `2 Mar 2026, 10:05`, in the time zone of whoever looks. */
export function readableTime(iso: string): string {
  const date = new Date(iso);
  return `${dayFormat.format(date)}, ${timeFormat.format(date)}`;
}

/** `2 Mar 2026` */
export function readableDay(iso: string): string {
  return dayFormat.format(new Date(iso));
}
