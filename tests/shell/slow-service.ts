/** The service's process as in the product, but for runs: they never get on, and end when they are told to stop. */
import { once } from 'node:events';
import { inspect } from 'node:util';
import { parentPortOf, serveParent } from '../../main/service/serve-parent.ts';
import { openStudio } from '../../main/service/studio/studio.ts';
import { ClaqError } from '../../shared/errors.ts';

serveParent(parentPortOf(process), {
  openStudio: (options) =>
    openStudio({
      ...options,
      tasks: {
        async quantize(_request, { signal, onProgress }) {
          onProgress?.({ phase: 'Quantizing', done: 1, total: 4, unit: 'matrices' });
          if (signal?.aborted === false) await once(signal, 'abort');
          throw new ClaqError('run/cancelled', 'The run was called off');
        },
      },
    }),
  exit: (code) => process.exit(code),
  onFault: (error) => process.stderr.write(`${inspect(error)}\n`),
});
