/** What carries out the tensor operations, best first: the order in which the engine looks for one. */
import { z } from 'zod';

export const ENGINE_NAMES = ['tensorflow-gpu', 'tensorflow-cpu', 'wasm'] as const;
export const engineNameSchema = z.enum(ENGINE_NAMES);
export type EngineName = z.infer<typeof engineNameSchema>;

/** `auto` takes the first of ENGINE_NAMES that runs on this machine. */
export const ENGINE_CHOICES = ['auto', ...ENGINE_NAMES] as const;
export const engineChoiceSchema = z.enum(ENGINE_CHOICES);
export type EngineChoice = z.infer<typeof engineChoiceSchema>;

export const engineInUseSchema = z.strictObject({
  name: engineNameSchema,
  /** "TensorFlow 2.21.0 on the CPU" */
  description: z.string(),
});
export type EngineInUse = Readonly<z.infer<typeof engineInUseSchema>>;

/** An engine that was not taken, and why. */
export interface PassedOver {
  readonly name: EngineName;
  /** One clause for people, without a full stop: "TensorFlow for GPUs is not installed". */
  readonly why: string;
  /** The command that mends it, where there is one. */
  readonly remedy: string | undefined;
}

/** Precision of the products in the forward pass. The Hessians are float32 always. */
export const FORWARD_PRECISIONS = ['float32', 'bfloat16', 'float16'] as const;
export const forwardPrecisionSchema = z.enum(FORWARD_PRECISIONS);
export type ForwardPrecision = z.infer<typeof forwardPrecisionSchema>;
