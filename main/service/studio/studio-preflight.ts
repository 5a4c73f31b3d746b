import type { Preflight } from '../../../shared/preflight.ts';
import type { RunOrder } from '../../../shared/runs.ts';
export async function studioPreflight(_parts: unknown, _order: RunOrder): Promise<Preflight> {
  await Promise.resolve();
  throw new Error('not yet');
}
