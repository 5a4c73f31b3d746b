/** Sensitivities of models that do not exist. */
import type { ActivityId } from '../../shared/activity.ts';
import type { ModelCard } from '../../shared/library.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';
import type { ModelSensitivity } from '../../shared/sensitivity.ts';
import { matricesOf } from '../../main/service/statistics/column-tasks.ts';
import { chance } from './fake-library.ts';
import { addActivity, changeActivity, sixtyTimesASecond } from './fake-progress.ts';
import { UNREADABLE } from './fake-statistics.ts';
import type { FakeState } from './fake-state.ts';

/** As a segment is long, and so many segments as have 2048 tokens. */
const SEGMENT = 512;
const SEGMENTS = 4;

/** Over three decades: the first layers feel most, and v more than q. */
export function fakeSensitivity({ description }: ModelCard): ModelSensitivity {
  const matrices = matricesOf(description).map(({ block, kind }) => {
    const place = MATRIX_KINDS.indexOf(kind);
    const depth = block / Math.max(1, description.blocks - 1);
    const mean = 10 ** (-2 - 1.6 * depth - 1.4 * chance(block * 31 + place * 7 + 1));
    return { block, kind, mean, median: mean / 4 };
  });
  return {
    matrices,
    tokens: SEGMENTS * (SEGMENT - 1),
    segments: SEGMENTS,
    segmentLength: SEGMENT,
    text: '/app/resources/demo-model/calibration.txt',
    textSha256: 'ab'.repeat(32),
    engine: 'WebAssembly with relaxed SIMD',
    forwardPrecision: 'float32',
  };
}

function goingOn(state: FakeState, model: ModelCard): ActivityId | undefined {
  return state.activities.find(
    (each) => each.kind === 'sensitivity' && each.modelId === model.id && each.state === 'running',
  )?.id;
}

export function measureSensitivity(state: FakeState, model: ModelCard): { activity: ActivityId } {
  const going = goingOn(state, model);
  if (going !== undefined) return { activity: going };
  const activity = addActivity(state, 'sensitivity', `${model.name}, sensitivity`, { modelId: model.id });
  const { blocks } = model.description;
  const total = (3 * blocks + 1) * SEGMENTS * SEGMENT;
  const ticking = sixtyTimesASecond((tick) => {
    if (state.unreadable.has(model.id) && tick > state.walkTicks / 4) {
      changeActivity(state, activity, { state: 'failed', error: UNREADABLE });
    }
    if (goingOn(state, model) !== activity) {
      ticking.stop();
      return;
    }
    const share = Math.min(1, (tick + 1) / state.walkTicks);
    const detail = `block ${Math.min(blocks, Math.floor(share * blocks) + 1)} of ${blocks}`;
    changeActivity(state, activity, {
      pace: {
        progress: {
          phase: 'Measuring sensitivity',
          done: Math.round(share * total),
          total,
          unit: 'tokens',
          detail,
        },
        rate: (total * 60) / state.walkTicks,
        secondsLeft: (state.walkTicks - tick) / 60,
      },
    });
    if (share < 1) return;
    ticking.stop();
    changeActivity(state, activity, { state: 'done' });
    state.sensed.add(model.id);
    state.changes.send({ topic: 'statistics' });
  });
  return { activity };
}
