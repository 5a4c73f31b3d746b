/**
 * The engine's thread as it goes wrong. CLAQ_TEST_THREAD says how: `exit` ends the thread, `exit-in-block-2` does so in the
 * middle of the real work, `fault` throws what is not ours, `no-result` answers what is none.
 */
import { quantizeModel } from '../../../main/service/quantize.ts';
import { serveTask } from '../../../main/service/engine-thread/serve-task.ts';

serveTask(async (job, hooks) => {
  const behaviour = process.env['CLAQ_TEST_THREAD'] ?? '';
  switch (behaviour) {
    case 'exit':
      hooks.onProgress({ phase: 'Dying', done: 1, total: 2, unit: 'steps', detail: 'slowly' });
      return process.exit(7);
    case 'exit-in-block-2':
      if (job.task !== 'quantize') throw new Error(`${job.task} has no blocks`);
      return quantizeModel(job.request, {
        ...hooks,
        onProgress(progress) {
          hooks.onProgress(progress);
          if (progress.detail?.startsWith('block 2 of 2, quantizing') === true) process.exit(7);
        },
      });
    case 'fault':
      throw new TypeError('the tests broke it');
    case 'no-result':
      return { perplexity: 'low' };
    default:
      throw new Error(`no behaviour is called ${behaviour}`);
  }
});
