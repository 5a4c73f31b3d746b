import { folderCompanions } from '../../../main/engine/checkpoint/companion-files.ts';
import { type TextTokenizer, loadTokenizer } from '../../../main/engine/text/tokenizer.ts';
import type { ModelDescription } from '../../../shared/model.ts';

/** The tokenizer of a folder without a look at its weights. */
export async function folderTokenizer(path: string, model: ModelDescription): Promise<TextTokenizer> {
  return await loadTokenizer({ path, model, companions: await folderCompanions(path) });
}
