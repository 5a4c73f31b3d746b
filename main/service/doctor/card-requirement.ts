/** Which cards and drivers the TensorFlow for GPUs goes with (docs/gpu.md, "Which machines"). */
import type { Fault, GpuDevice } from '../../../shared/doctor.ts';

/** It carries kernels for Pascal (6.0) to Ada (8.9), and PTX of 9.0, which the driver compiles for what is newer. */
const OLDEST_CAPABILITY = 6;
const NEWEST_WITH_KERNELS = 8.9;
const BLACKWELL = 10;

/** First series of NVIDIA's driver for Linux that ... */
const DRIVER = {
  /** ... runs CUDA 12, */
  cuda12: 525,
  /** ... compiles this PTX, which CUDA 12.5 made, */
  ptx: 555,
  /** ... knows Blackwell. */
  blackwell: 570,
} as const;

/** Series of the driver that a card needs: `525`, for a card that says nothing of itself too. */
export function neededDriver(computeCapability: string | null): number {
  const capability = Number(computeCapability ?? NEWEST_WITH_KERNELS);
  if (capability >= BLACKWELL) return DRIVER.blackwell;
  return capability > NEWEST_WITH_KERNELS ? DRIVER.ptx : DRIVER.cuda12;
}

/**
 * Why a card cannot be used with its driver; null where it can.
 *
 * @param driver version as the driver gives it, `550.54.15`
 */
export function deviceFault(
  { name, computeCapability }: Pick<GpuDevice, 'name' | 'computeCapability'>,
  driver: string,
): Fault | null {
  if (computeCapability !== null && Number(computeCapability) < OLDEST_CAPABILITY)
    return {
      why: `${name} is too old: compute capability ${computeCapability}, needed is ${OLDEST_CAPABILITY}.0`,
      remedy: 'nothing with this card: its machine computes on the CPU',
    };
  const needed = neededDriver(computeCapability);
  if (Number.parseInt(driver, 10) >= needed) return null;
  return {
    why: `the driver ${driver} is too old for ${name}`,
    remedy: `install NVIDIA's driver ${needed} or newer, and restart`,
  };
}
