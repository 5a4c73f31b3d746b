import { fileURLToPath } from 'node:url';
import type { TextTokenizer } from '../../../main/engine/text/tokenizer.ts';
import { folderTokenizer } from './folder-tokenizer.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import { DEMO_DESCRIPTION } from '../../known-models.ts';

export const DEMO = fileURLToPath(new URL('../../../resources/demo-model', import.meta.url));

/** The demo model's description with another vocabulary size: the tokenizer looks at nothing else. */
export function modelOf(vocabSize: number): ModelDescription {
  return { ...DEMO_DESCRIPTION, vocabSize };
}

export function loadDemoTokenizer(): Promise<TextTokenizer> {
  return folderTokenizer(`${DEMO}/model`, DEMO_DESCRIPTION);
}
