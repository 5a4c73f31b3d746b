import { type BackendInfo, startBackend } from '../../../main/engine/tensors/backend.ts';
import { engineChoiceSchema } from '../../../shared/engine.ts';

/** The engine that this run of the tests is about; vitest.config.ts runs those that touch tensors once for each. */
export const TEST_ENGINE = engineChoiceSchema.parse(process.env['CLAQ_TEST_ENGINE'] ?? 'wasm');

export async function startTestBackend(): Promise<BackendInfo> {
  return await startBackend({ engine: TEST_ENGINE, threads: 2 });
}
