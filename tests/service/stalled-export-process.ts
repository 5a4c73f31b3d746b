/** A process of its own that exports a run (folder and target folder in its arguments), and stands still at the last weights file. */
import { z } from 'zod';
import { exportQuantized } from '../../main/service/export.ts';

const [source, out, tensor] = z.tuple([z.string(), z.string(), z.string()]).parse(process.argv.slice(2));
await exportQuantized(
  { source, out },
  {
    onProgress: ({ phase, detail }) => {
      if (phase !== 'Writing the model' || detail !== tensor) return;
      process.stdout.write('stands still\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    },
  },
);
