import { ClaqError } from '../../../shared/errors.ts';
import { DOCUMENT_LIMIT_BYTES } from './document-limits.ts';

/** What stands between two documents in a joined text: a blank line, as GPTQ joins WikiText-2 and PTB. */
const SEPARATOR = '\n\n';

/** Documents joined into one text with blank lines, read only as far as it is needed. */
export class JoinedText {
  readonly #documents: AsyncGenerator<string>;
  readonly #where: string;
  #text = '';
  #count = 0;
  #whole = false;

  constructor(documents: AsyncGenerator<string>, where: string) {
    this.#documents = documents;
    this.#where = where;
  }

  /** Whether every document is in it. */
  get whole(): boolean {
    return this.#whole;
  }

  /**
   * The text up to the end of the first document that makes it `enough` UTF-16 units long, or all of it.
   * Throws ClaqError text/unsupported where it becomes too long to be tokenized in one piece.
   */
  async read(enough: number): Promise<string> {
    while (!this.#whole && this.#text.length < enough) {
      const next = await this.#documents.next();
      if (next.done === true) {
        this.#whole = true;
        break;
      }
      this.#text = this.#count === 0 ? next.value : this.#text + SEPARATOR + next.value;
      this.#count += 1;
      if (this.#text.length > DOCUMENT_LIMIT_BYTES) throw this.#tooLong();
    }
    return this.#text;
  }

  /** Closes the files that are still open. */
  async close(): Promise<void> {
    await this.#documents.return(undefined);
  }

  #tooLong(): ClaqError {
    return new ClaqError('text/unsupported', 'The joined text is too long', {
      where: this.#where,
      expected: `at most ${DOCUMENT_LIMIT_BYTES} bytes, which can be tokenized in one piece`,
      found: 'more',
      remedy: 'Take fewer files, or ask for fewer tokens',
    });
  }
}
