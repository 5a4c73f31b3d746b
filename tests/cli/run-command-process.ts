/** A command that never ends (`stubborn`) or breaks (`faulty`), for the tests of what stands around a command's work. */
import { setTimeout } from 'node:timers/promises';
import { runCommand } from '../../main/cli/run-command.ts';

const behaviour = process.argv[2];

process.exitCode = await runCommand(
  'test',
  { json: process.argv.includes('--json') },
  async ({ onProgress }) => {
    if (behaviour === 'faulty') throw new TypeError('the tests broke it');
    onProgress({ phase: 'Being stubborn', done: 0, total: 1, unit: 'tensors' });
    for (;;) await setTimeout(1000);
  },
);
