/** The engine's thread: does one task of the service. TensorFlow is loaded here, and its operations block this thread only. */
import type { EngineJob } from './protocol.ts';
import { serveTask, type TaskHooks } from './serve-task.ts';

serveTask(perform);

/** Each task loads what it needs: inspecting a model takes no tensor operations. */
async function perform(job: EngineJob, hooks: TaskHooks): Promise<unknown> {
  switch (job.task) {
    case 'inspect':
      return (await import('../inspect.ts')).inspectModel(job.request, hooks);
    case 'quantize':
      return (await import('../quantize.ts')).quantizeModel(job.request, hooks);
    case 'evaluate':
      return (await import('../evaluate.ts')).evaluateModel(job.request, hooks);
    case 'sensitivity':
      return (await import('../sensitivity.ts')).modelSensitivity(job.request, hooks);
    case 'export':
      return (await import('../export.ts')).exportQuantized(job.request, hooks);
    case 'measure':
      return (await import('../statistics/measure-columns.ts')).measureColumns(job.request, hooks);
    case 'analyse':
      return (await import('../statistics/analyse-columns.ts')).analyseColumns(job.request, hooks);
    case 'rates':
      return (await import('../preflight/measure-rates.ts')).measureRates(job.request, hooks);
  }
}
