/** What `claq doctor` is asked and what it reports: what computes on this machine, and what is in the way of more. */
import { z } from 'zod';
import { engineChoiceSchema, engineNameSchema } from './engine.ts';
import type { RunHooks } from './requests.ts';

export const doctorRequestSchema = z.strictObject({
  /** What a run would be told to compute with. */
  engine: engineChoiceSchema.default('auto'),
});
export type DoctorRequest = z.input<typeof doctorRequestSchema>;

/** Something that is in the way. Both are for people, without a full stop. */
const faultSchema = z
  .strictObject({
    why: z.string(),
    /** The command or the step that mends it. */
    remedy: z.string(),
  })
  .readonly();
export type Fault = z.infer<typeof faultSchema>;

/** An engine, tried by a small computation in a process of its own. */
const engineReportSchema = z.discriminatedUnion('runs', [
  z
    .strictObject({
      name: engineNameSchema,
      runs: z.literal(true),
      /** "TensorFlow 2.21.0 on the CPU" */
      description: z.string(),
      /** What the loaded TensorFlow says of itself; null where it is not what computes. */
      tensorflow: z.strictObject({ version: z.string(), usesGpu: z.boolean() }).readonly().nullable(),
      /** From the start of its process to the last result. */
      seconds: z.number(),
    })
    .readonly(),
  z
    .strictObject({
      name: engineNameSchema,
      runs: z.literal(false),
      fault: faultSchema,
      /** Last lines that its process said, where it was tried. */
      said: z.array(z.string()).readonly(),
      /** Whether it takes its process along, so that a run could not go on to the next engine. */
      fatal: z.boolean(),
    })
    .readonly(),
]);
export type EngineReport = z.infer<typeof engineReportSchema>;

const variant = z.enum(['cpu', 'gpu']);

/** A TensorFlow on the disk, as it says of itself. */
const installationReportSchema = z.discriminatedUnion('state', [
  z.strictObject({ variant, state: z.literal('missing'), folder: z.string() }).readonly(),
  z
    .strictObject({
      variant,
      state: z.literal('broken'),
      folder: z.string(),
      bytes: z.number(),
      fault: faultSchema,
    })
    .readonly(),
  z
    .strictObject({
      variant,
      state: z.literal('installed'),
      folder: z.string(),
      bytes: z.number(),
      /** Version of TensorFlow. */
      tensorflow: z.string(),
      /** Version of @tensorflow/tfjs-node-gpu, and whether the addon was built here or came with the program. */
      addon: z.string(),
      origin: z.enum(['built', 'shipped']),
      /** Of its wheels; null where it has none. */
      cuda: z.string().nullable(),
      cudnn: z.string().nullable(),
    })
    .readonly(),
]);
export type InstallationReport = z.infer<typeof installationReportSchema>;

const gpuDeviceSchema = z
  .strictObject({
    name: z.string(),
    /** Null where the driver does not say. */
    memoryBytes: z.number().nullable(),
    /** CUDA's number of the card's generation, `8.9`; null where the driver does not say. */
    computeCapability: z.string().nullable(),
    /** Why it cannot be used with this driver; null where it can. */
    fault: faultSchema.nullable(),
  })
  .readonly();
export type GpuDevice = z.infer<typeof gpuDeviceSchema>;

/** What NVIDIA's `nvidia-smi` says. */
const driverReportSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('missing') }).readonly(),
  /** It is there, and gives no answer that can be read. */
  z.strictObject({ state: z.literal('failed'), why: z.string() }).readonly(),
  z
    .strictObject({
      state: z.literal('found'),
      version: z.string(),
      devices: z.array(gpuDeviceSchema).readonly(),
    })
    .readonly(),
]);
export type DriverReport = z.infer<typeof driverReportSchema>;

export const doctorReportSchema = z
  .strictObject({
    /** Name and version of the program. */
    program: z.string(),
    node: z.string(),
    /** `linux-x64` */
    platform: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    /** What was asked for. */
    engine: engineChoiceSchema,
    /** What a run takes; null where it would end with an error. */
    taken: engineNameSchema.nullable(),
    /** All of them, best first. */
    engines: z.array(engineReportSchema).readonly(),
    installations: z.array(installationReportSchema).readonly(),
    driver: driverReportSchema,
    /** CUDA_VISIBLE_DEVICES of the environment; null where it is not set. */
    visibleDevices: z.string().nullable(),
    /** The SIMD kernels, which every engine needs. */
    kernels: z.union([
      z.strictObject({ flavour: z.enum(['relaxed', 'simd']) }).readonly(),
      z.strictObject({ fault: faultSchema }).readonly(),
    ]),
    /** Where TensorFlow is set up, and what is free on that disk. */
    cache: z.strictObject({ folder: z.string(), freeBytes: z.number() }).readonly(),
  })
  .readonly();
export type DoctorReport = z.infer<typeof doctorReportSchema>;

export type DoctorService = (request: DoctorRequest, hooks: RunHooks) => Promise<DoctorReport>;
