import { modelIdSchema } from '../../../shared/library.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import { type RunCard, type RunDetail, runIdSchema } from '../../../shared/runs.ts';

/** A run of SmolLM2 that waits at the head of the queue. */
export function runCard(part: Partial<RunCard> = {}): RunCard {
  return {
    id: runIdSchema.parse(1),
    modelId: modelIdSchema.parse(1),
    modelName: 'SmolLM2-135M',
    folder: '/runs/SmolLM2-135M-2.12-1',
    state: 'queued',
    method: 'claq',
    budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
    queuedAt: '2026-11-22T10:00:00.000Z',
    startedAt: null,
    endedAt: null,
    ahead: 0,
    matricesDone: 0,
    matricesTotal: 210,
    figures: null,
    error: null,
    ...part,
  };
}

export function runDetail(part: Partial<RunDetail> = {}): RunDetail {
  return {
    ...runCard(),
    choices: quantizeChoicesSchema.parse({ budget: { bits: 2.12 } }),
    blocks: 30,
    engine: null,
    matrices: [],
    notes: [],
    exports: [],
    ...part,
  };
}
