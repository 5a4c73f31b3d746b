/** Tokenizers as small as the models of the golden families, whose 320 rows have no room for a trained one. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FamilyModel, familyFolder } from '../../../golden/families.ts';

const MERGES = [
  ['h', 'e'],
  ['Ġ', 't'],
  ['Ġt', 'he'],
] as const;

/** GPT-2's letter for each byte. */
export function byteLetters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(isPrintable ? byte : 256 + others++);
  });
}

export const SPECIAL = ['<s>', '</s>'] as const;

/** A byte-level tokenizer.json of 261 tokens. `parts` replace what it has, one by one. */
export function byteLevelDefinition(parts: object = {}): object {
  const tokens = [...SPECIAL, ...byteLetters(), ...MERGES.map(([left, right]) => left + right)];
  return {
    added_tokens: SPECIAL.map((content, id) => ({ id, content, special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    model: {
      type: 'BPE',
      unk_token: null,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: MERGES,
    },
    ...parts,
  };
}

/** A copy of a golden family's folder with that tokenizer, removed when the test is over. */
export async function familyWithTokenizer(
  family: FamilyModel,
  definition: object = byteLevelDefinition(),
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-gguf-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(familyFolder(family), folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(definition));
  await writeFile(
    join(folder, 'tokenizer_config.json'),
    JSON.stringify({ bos_token: '<s>', eos_token: { content: '</s>' } }),
  );
  return folder;
}
