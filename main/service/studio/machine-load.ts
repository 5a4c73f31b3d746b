import { availableParallelism } from 'node:os';
import type { LoadSample } from '../../../shared/runs.ts';
import { runProgram } from '../run-program.ts';

/** Time between two samples. */
const INTERVAL_MS = 1000;
/** nvidia-smi takes a few hundredths of a second, on a server with sleeping cards seconds. */
const GPU_LIMIT_MS = 5000;
const MEBIBYTE = 2 ** 20;
/** `34, 10240, 24564`: share of the time in percent, memory used and there in MiB. */
const GPU_ROW = /^(\d{1,3}), (\d{1,9}), (\d{1,9})$/m;

/**
 * Samples what this process takes of the machine, until the signal; the GPU's part where one computes. What cannot be sampled is
 * left out: a picture with a gap is better than a run that fails.
 */
export function sampleLoad(
  onSample: (sample: LoadSample) => void,
  { gpu, signal }: { readonly gpu: () => boolean; readonly signal: AbortSignal },
): void {
  const cores = availableParallelism();
  let before = { at: performance.now(), cpu: process.cpuUsage() };
  let asking = false;
  let latest: LoadSample['gpu'] = null;
  const timer = setInterval(() => {
    const now = { at: performance.now(), cpu: process.cpuUsage() };
    const micros = now.cpu.user + now.cpu.system - before.cpu.user - before.cpu.system;
    const share = micros / 1000 / (now.at - before.at) / cores;
    before = now;
    onSample({
      at: Date.now(),
      memoryBytes: process.memoryUsage.rss(),
      processor: Math.min(1, Math.max(0, share)),
      gpu: gpu() ? latest : null,
    });
    if (!gpu() || asking) return;
    asking = true;
    void askGpu(signal).then((answer) => {
      latest = answer;
      asking = false;
    });
  }, INTERVAL_MS);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** Null where nvidia-smi gives no answer. */
async function askGpu(signal: AbortSignal): Promise<LoadSample['gpu']> {
  try {
    // nvidia-smi shows all cards, whatever CUDA may see of them.
    const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',')[0] ?? '';
    const query = [
      '--query-gpu=utilization.gpu,memory.used,memory.total',
      '--format=csv,noheader,nounits',
      ...(visible === '' ? [] : [`--id=${visible}`]),
    ];
    const options = { env: process.env, limitMilliseconds: GPU_LIMIT_MS, signal };
    const end = await runProgram('nvidia-smi', query, options);
    return end.code === 0 ? readGpuRow(end.stdout) : null;
  } catch {
    return null;
  }
}

/** The first card's: the one that computes. */
export function readGpuRow(text: string): LoadSample['gpu'] {
  const [, percent, used, total] = GPU_ROW.exec(text) ?? [];
  if (percent === undefined || used === undefined || total === undefined) return null;
  return {
    share: Math.min(1, Number(percent) / 100),
    memoryBytes: Number(used) * MEBIBYTE,
    memoryTotalBytes: Number(total) * MEBIBYTE,
  };
}
