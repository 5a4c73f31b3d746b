/** A need against what is free, as a bar and in words. */
import type { Space } from '../../shared/preflight.ts';
import { readableBytes } from '../../shared/readable-quantities.ts';

export interface SpaceShares {
  /** Of the whole bar, 0..1: what others hold already. */
  readonly used: number;
  /** What the run takes. */
  readonly needed: number;
  /** `warn` where little would be left, `bad` where it does not fit. */
  readonly tone: 'plain' | 'warn' | 'bad';
}

/** A run that leaves less than this share of what is free may not be alone with it for long. */
const TIGHT = 0.85;

export function spaceShares({ needed, free, total }: Pick<Space, 'needed' | 'free' | 'total'>): SpaceShares {
  if (free === null) return { used: 0, needed: 0, tone: 'plain' };
  const whole = Math.max(total ?? free, needed, 1);
  const used = total === null ? 0 : Math.max(0, total - free) / whole;
  const tone = needed > free ? 'bad' : needed > TIGHT * free ? 'warn' : 'plain';
  return { used, needed: Math.min(needed / whole, 1 - used), tone };
}

/** `3.20 GB of 11.4 GB free` */
export function spaceWords({ needed, free }: Pick<Space, 'needed' | 'free'>): string {
  if (free === null) return `${readableBytes(needed)}, free not known`;
  return `${readableBytes(needed)} of ${readableBytes(free)} free`;
}
