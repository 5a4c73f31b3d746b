/** Parts of runs, as a store or an engine would give them. */
import type { MatrixKind } from '../../../shared/model.ts';
import { modelIdSchema } from '../../../shared/library.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import type { MatrixResult } from '../../../shared/run-record.ts';
import type { Pace, RunDetail, RunId } from '../../../shared/runs.ts';

export function runDetail(id: RunId): RunDetail {
  return {
    id,
    modelId: modelIdSchema.parse(1),
    modelName: 'Demo model',
    folder: '/runs/Demo-model-2.12-1',
    state: 'running',
    method: 'claq',
    budget: '2.12 (AP 2.05 of {2,4} + OR 0.07)',
    queuedAt: '2026-01-01T00:00:00.000Z',
    startedAt: '2026-01-01T00:00:01.000Z',
    endedAt: null,
    ahead: null,
    matricesDone: 0,
    matricesTotal: 14,
    figures: null,
    error: null,
    choices: quantizeChoicesSchema.parse({}),
    blocks: 2,
    engine: null,
    matrices: [],
    notes: [],
    exports: [],
  };
}

export function matrixResult(block: number, kind: MatrixKind): MatrixResult {
  const classes = [{ width: 2, reserved: 0, columns: 4 }];
  return {
    block,
    kind,
    rows: 8,
    columns: 4,
    loss: 0.5,
    outlierRatio: 0.01,
    damping: 0.01,
    bytes: 99,
    classes,
  };
}

export function pace(done: number): Pace {
  return {
    progress: { phase: 'Quantizing', done, total: 10, unit: 'tokens' },
    rate: 2,
    secondsLeft: (10 - done) / 2,
  };
}
