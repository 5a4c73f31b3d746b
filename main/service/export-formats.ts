/** The format of a target, made of a source. */
import { join } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import type { DenseDtypeName, ExportTarget } from '../../shared/exports.ts';
import type { DenseDtype } from '../engine/export/dense-tensors.ts';
import { denseFormat } from '../engine/export/dense.ts';
import type { ExportFormat } from '../engine/export/export-format.ts';
import { ggufFileName, ggufFormat } from '../engine/export/gguf/gguf-format.ts';
import { packedFormat } from '../engine/packed-model/packed-format.ts';
import type { ExportSource } from './export-source.ts';
import { programName } from './program-name.ts';

export interface ChosenFormat {
  readonly format: ExportFormat;
  /** What opens the written model: the folder, or a file in it. */
  opened(folder: string): string;
}

/** What the engine calls the dtypes of dense exports. */
export const ENGINE_DTYPES = { source: 'source', f16: 'F16', f32: 'F32' } as const satisfies Readonly<
  Record<DenseDtypeName, DenseDtype>
>;

const GGUF_TYPES = { f16: 'F16', q8_0: 'Q8_0' } as const;

/**
 * @param name of the model, for the file that a format names after it
 * Throws what the format throws for a model that it cannot hold.
 */
export async function exportFormat(
  source: ExportSource,
  target: ExportTarget,
  name: string,
): Promise<ChosenFormat> {
  const { checkpoint, quantized, coded } = source;
  const folderItself = (folder: string): string => folder;
  switch (target.format) {
    case 'dense': {
      const format = denseFormat({ checkpoint, dtype: ENGINE_DTYPES[target.dtype], quantized, coded });
      return { format, opened: folderItself };
    }
    case 'gguf': {
      const type = GGUF_TYPES[target.dtype];
      const named = `${name}-claq-${type}`;
      const format = await ggufFormat({ checkpoint, quantized, coded, type, name: named });
      return { format, opened: (folder) => join(folder, ggufFileName(named)) };
    }
    case 'packed': {
      const { matrixFile } = source;
      if (matrixFile === undefined) throw packedAlready(source.folder);
      const format = await packedFormat({ checkpoint, matrixFile, quantized, coded, program: programName() });
      return { format, opened: folderItself };
    }
  }
}

function packedAlready(folder: string): ClaqError {
  return new ClaqError('request/invalid', 'This model is packed already', {
    where: folder,
    expected: 'a run, or another format',
    found: 'a packed model',
    remedy: 'copy the folder, or export it as dense or GGUF',
  });
}
