import type { Engine } from '../engine/start-engine.ts';

/** `Engine: TensorFlow 2.21.0 on the CPU, 2 kernel threads`: the line that a run begins with. */
export function engineNote({
  backend,
  pool,
  forwardPrecision,
}: Pick<Engine, 'backend' | 'pool' | 'forwardPrecision'>): string {
  const threads = pool.threads === 1 ? '1 kernel thread' : `${pool.threads} kernel threads`;
  const precision = forwardPrecision === 'float32' ? '' : `, forward pass in ${forwardPrecision}`;
  return `Engine: ${backend.description}, ${threads}${precision}`;
}
