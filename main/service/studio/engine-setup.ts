import type { ActivityId } from '../../../shared/activity.ts';
import type { SetupRequest } from '../../../shared/requests.ts';
import type { Activities } from './activities.ts';

/** Sets TensorFlow up while other things go on. */
export function startEngineSetup(activities: Activities, request: SetupRequest): ActivityId {
  const title = request.gpu === true ? 'TensorFlow for GPUs' : 'TensorFlow for CPUs';
  return activities.perform({ kind: 'setup', title, runId: null, modelId: null }, async (hooks) => {
    // Loaded when it is asked for: most programs never set anything up.
    const { setUpTensorflow } = await import('../tensorflow-setup/set-up-tensorflow.ts');
    await setUpTensorflow(request, hooks);
  });
}
