/** What `claq doctor` is asked and what it reports: what computes on this machine, and what is in the way of more. */
import { z } from 'zod';
import { engineChoiceSchema, type EngineChoice, type EngineName } from './engine.ts';
import type { RunHooks } from './requests.ts';

export const doctorRequestSchema = z.strictObject({
  /** What a run would be told to compute with. */
  engine: engineChoiceSchema.default('auto'),
});
export type DoctorRequest = z.input<typeof doctorRequestSchema>;

/** Something that is in the way. Both are for people, without a full stop. */
export interface Fault {
  readonly why: string;
  /** The command or the step that mends it. */
  readonly remedy: string;
}

/** An engine, tried by a small computation in a process of its own. */
export type EngineReport =
  | {
      readonly name: EngineName;
      readonly runs: true;
      /** "TensorFlow 2.21.0 on the CPU" */
      readonly description: string;
      /** What the loaded TensorFlow says of itself; null where it is not what computes. */
      readonly tensorflow: { readonly version: string; readonly usesGpu: boolean } | null;
      /** From the start of its process to the last result. */
      readonly seconds: number;
    }
  | {
      readonly name: EngineName;
      readonly runs: false;
      readonly fault: Fault;
      /** Last lines that its process said, where it was tried. */
      readonly said: readonly string[];
      /** Whether it takes its process along, so that a run could not go on to the next engine. */
      readonly fatal: boolean;
    };

/** A TensorFlow on the disk, as it says of itself. */
export type InstallationReport =
  | { readonly variant: 'cpu' | 'gpu'; readonly state: 'missing'; readonly folder: string }
  | {
      readonly variant: 'cpu' | 'gpu';
      readonly state: 'broken';
      readonly folder: string;
      readonly bytes: number;
      readonly fault: Fault;
    }
  | {
      readonly variant: 'cpu' | 'gpu';
      readonly state: 'installed';
      readonly folder: string;
      readonly bytes: number;
      /** Version of TensorFlow. */
      readonly tensorflow: string;
      /** Version of @tensorflow/tfjs-node-gpu, and whether the addon was built here or came with the program. */
      readonly addon: string;
      readonly origin: 'built' | 'shipped';
      /** Of its wheels; null where it has none. */
      readonly cuda: string | null;
      readonly cudnn: string | null;
    };

export interface GpuDevice {
  readonly name: string;
  /** Null where the driver does not say. */
  readonly memoryBytes: number | null;
  /** CUDA's number of the card's generation, `8.9`; null where the driver does not say. */
  readonly computeCapability: string | null;
  /** Why it cannot be used with this driver; null where it can. */
  readonly fault: Fault | null;
}

/** What NVIDIA's `nvidia-smi` says. */
export type DriverReport =
  | { readonly state: 'missing' }
  /** It is there, and gives no answer that can be read. */
  | { readonly state: 'failed'; readonly why: string }
  | { readonly state: 'found'; readonly version: string; readonly devices: readonly GpuDevice[] };

export interface DoctorReport {
  /** Name and version of the program. */
  readonly program: string;
  readonly node: string;
  /** `linux-x64` */
  readonly platform: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** What was asked for. */
  readonly engine: EngineChoice;
  /** What a run takes; null where it would end with an error. */
  readonly taken: EngineName | null;
  /** All of them, best first. */
  readonly engines: readonly EngineReport[];
  readonly installations: readonly InstallationReport[];
  readonly driver: DriverReport;
  /** CUDA_VISIBLE_DEVICES of the environment; null where it is not set. */
  readonly visibleDevices: string | null;
  /** The SIMD kernels, which every engine needs. */
  readonly kernels: { readonly flavour: 'relaxed' | 'simd' } | { readonly fault: Fault };
  /** Where TensorFlow is set up, and what is free on that disk. */
  readonly cache: { readonly folder: string; readonly freeBytes: number };
}

export type DoctorService = (request: DoctorRequest, hooks: RunHooks) => Promise<DoctorReport>;
