/** The files that a Hugging Face folder would have beside the weights, made from a GGUF file's metadata. */
import type { CompanionFiles } from '../checkpoint.ts';
import { CONFIG_FILE, MODEL_CARD_FILE, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from '../companion-files.ts';
import type { GgufMetadata } from './gguf-metadata.ts';
import { tokenizerConfigText, tokenizerText } from './tokenizer-files.ts';
import { hasTokenizer } from './tokenizer-metadata.ts';

const GENERATION_CONFIG_FILE = 'generation_config.json';

/** @param config the text of config.json. Vocabularies are rebuilt when they are asked for, and not kept. */
export function ggufCompanions(
  metadata: GgufMetadata,
  config: string,
  contextLength: number,
): CompanionFiles {
  const files = new Map<string, () => string>([[CONFIG_FILE, () => config]]);
  const generation = generationConfigText(metadata);
  if (generation !== undefined) files.set(GENERATION_CONFIG_FILE, () => generation);
  if (hasTokenizer(metadata)) {
    files.set(TOKENIZER_FILE, () => tokenizerText(metadata));
    files.set(TOKENIZER_CONFIG_FILE, () => tokenizerConfigText(metadata, contextLength));
  }
  const card = modelCardText(metadata);
  if (card !== undefined) files.set(MODEL_CARD_FILE, () => card);
  return {
    names: [...files.keys()].sort(),
    read: (name) => {
      const text = files.get(name);
      return Promise.resolve(text).then((make) =>
        make === undefined ? undefined : new TextEncoder().encode(make()),
      );
    },
  };
}

function generationConfigText(metadata: GgufMetadata): string | undefined {
  const id = (name: string): number | undefined => metadata.count(`tokenizer.ggml.${name}_token_id`);
  const config = { bos_token_id: id('bos'), eos_token_id: id('eos'), pad_token_id: id('padding') };
  if (Object.values(config).every((value) => value === undefined)) return undefined;
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** The head of a model card, which is where a licence is named. */
function modelCardText(metadata: GgufMetadata): string | undefined {
  const fields = (['license', 'license.name', 'license.link'] as const).flatMap((key) => {
    const value = metadata.text(`general.${key}`);
    return value === undefined ? [] : [`${key.replace('.', '_')}: ${yamlText(value)}`];
  });
  return fields.length === 0 ? undefined : ['---', ...fields, '---', ''].join('\n');
}

/** A JSON string is YAML too. */
function yamlText(value: string): string {
  return /^[a-zA-Z][\w.+-]*$/.test(value) ? value : JSON.stringify(value);
}
