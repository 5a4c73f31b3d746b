import type { CompanionFiles } from './checkpoint.ts';
import { MODEL_CARD_FILE, companionText } from './companion-files.ts';

/** The licence that a model's card names in its front matter, as hubs spell it: `apache-2.0`. Undefined where it names none. */
export async function cardLicence(companions: CompanionFiles): Promise<string | undefined> {
  const text = (await companionText(companions, MODEL_CARD_FILE)) ?? '';
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  return /^license:[ \t]*["']?([\w.+-]+)["']?[ \t]*$/m.exec(front)?.[1];
}
