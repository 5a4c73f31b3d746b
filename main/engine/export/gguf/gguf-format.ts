/** The GGUF format: one file that llama.cpp, and the programs built on it, load. */
import { join } from 'node:path';
import { isLegal } from '../../checkpoint/companion-files.ts';
import { copyCompanions } from '../copy-companions.ts';
import type { ExportFormat } from '../export-format.ts';
import { planTensors } from './tensor-plan.ts';
import { verifyGguf } from './verify-gguf.ts';
import { ggufEntries, writeGguf } from './write-gguf.ts';
import type { GgufExport } from './write-gguf.ts';

/**
 * Reads the tokenizer, so that one that llama.cpp has no equivalent of is told before anything is written.
 * @throws ClaqError model/unsupported, tokenizer/*
 */
export async function ggufFormat(asked: GgufExport): Promise<ExportFormat> {
  const request = { ...asked, entries: await ggufEntries(asked) };
  const tensors = planTensors(request.checkpoint, request.type);
  const file = ggufFileName(request.name);
  return {
    files: [
      {
        name: file,
        bytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
        tensors: tensors.length,
        write: async (folder, onTensor) => {
          await writeGguf(request, join(folder, file), onTensor);
        },
      },
    ],
    // All else that a folder of a model holds is in the file itself.
    writeSmallFiles: (folder) => copyCompanions(request.checkpoint.companions, folder, isLegal),
    verify: (folder, hooks) => verifyGguf(request, join(folder, file), hooks),
  };
}

/** `SmolLM2 135M` -> `SmolLM2-135M.gguf`: a name for every file system. */
export function ggufFileName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}._+-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');
  return `${plain === '' ? 'model' : plain}.gguf`;
}
