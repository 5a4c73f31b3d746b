import type { ActivityId } from '../../../shared/activity.ts';
import type { RunHooks, SetupRequest } from '../../../shared/requests.ts';
import type { Activities } from './activities.ts';

/** Sets TensorFlow up while other things go on. */
export class EngineSetup {
  readonly #activities: Activities;

  constructor(activities: Activities) {
    this.#activities = activities;
  }

  start(request: SetupRequest): ActivityId {
    const cancellation = new AbortController();
    const activity = this.#activities.begin({
      kind: 'setup',
      title: request.gpu === true ? 'TensorFlow for GPUs' : 'TensorFlow for CPUs',
      runId: null,
      modelId: null,
      cancel: () => cancellation.abort(),
    });
    const hooks: RunHooks = {
      signal: cancellation.signal,
      onProgress: (progress) => activity.progress(progress),
    };
    void setUp(request, hooks).then(
      () => activity.end(),
      (error: unknown) => activity.end(error),
    );
    return activity.id;
  }
}

/** Loaded when it is asked for: most programs never set anything up. */
async function setUp(request: SetupRequest, hooks: RunHooks): Promise<void> {
  const { setUpTensorflow } = await import('../tensorflow-setup/set-up-tensorflow.ts');
  await setUpTensorflow(request, hooks);
}
