/**
 * The part of @huggingface/tokenizers that is used here. The package's own declarations name their files without
 * extensions, which Node's module resolution does not follow, and leave out that an id can be missing.
 */
declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    constructor(definition: object, config: object);
    encode(
      text: string,
      options: { readonly add_special_tokens: boolean },
    ): {
      /** An id is undefined where the unknown token is needed and is not in the vocabulary. */
      readonly ids: readonly (number | undefined)[];
    };
  }
}
