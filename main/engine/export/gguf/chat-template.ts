import { z } from 'zod';
import type { CompanionFiles } from '../../checkpoint/checkpoint.ts';
import { companionText } from '../../checkpoint/companion-files.ts';
import type { GgufValue } from './header.ts';
import type { TokenizerDefinition } from './tokenizer-definition.ts';

const KEY = 'tokenizer.chat_template';
const DEFAULT = 'default';

/** The chat templates of a model: the one in a file of its own goes before the one in tokenizer_config.json, as in transformers. */
export async function chatTemplateMetadata(
  companions: CompanionFiles,
  { config }: Pick<TokenizerDefinition, 'config'>,
): Promise<[string, GgufValue][]> {
  const apart = (await companionText(companions, 'chat_template.jinja')) ?? (await oldFile(companions));
  const given = apart ?? config.chat_template ?? [];
  const templates = typeof given === 'string' ? [{ name: DEFAULT, template: given }] : given;
  const names = new Map(templates.map(({ name, template }) => [keyName(name), template]));
  const main = names.get(DEFAULT);
  names.delete(DEFAULT);
  return [
    ...(main === undefined ? [] : [entry(KEY, main)]),
    ...(names.size === 0 ? [] : [namesEntry([...names.keys()])]),
    ...[...names].map(([name, template]) => entry(`${KEY}.${name}`, template)),
  ];
}

/** Transformers 4.47 and thereabouts. */
async function oldFile(companions: CompanionFiles): Promise<string | undefined> {
  const text = await companionText(companions, 'chat_template.json');
  if (text === undefined) return undefined;
  return oldFileSchema.safeParse(text).data?.chat_template;
}

const oldFileSchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('no JSON');
      return z.NEVER;
    }
  })
  .pipe(z.looseObject({ chat_template: z.string() }));

/** As llama.cpp's converter spells names in keys. */
function keyName(name: string): string {
  return name.replace(/[^a-zA-Z0-9]/g, '_');
}

function entry(key: string, value: string): [string, GgufValue] {
  return [key, { type: 'string', value }];
}

function namesEntry(value: readonly string[]): [string, GgufValue] {
  return ['tokenizer.chat_templates', { type: 'strings', value }];
}
