/** Texts that tokenizers trip over. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';

/** Each of a kind of its own. Control tokens are those of the tokenizers in use here. */
const FRAGMENTS = [
  'The Union must be preserved.',
  ' leading and trailing ',
  '   ',
  '\t',
  '\t\tindented\twith\ttabs',
  '\n',
  '\n\n\n',
  ' \n \n  \n',
  '\r\n',
  'line\r\nend\rof\nthree kinds',
  'x',
  'x'.repeat(97),
  'ab'.repeat(33),
  '=======----======',
  '........',
  '!?!?!?',
  "don't can't I'LL we've THEY'RE 'twas 'Til",
  "'s 't 're 've 'm 'll 'd 'S 'T 'RE",
  '0',
  '42',
  '1234567890',
  '3 33 333 3333 33333 333333',
  '3.14159 1,000,000 1e-7 0x1F',
  '½ ² Ⅷ ① ٣٤٥ १२३',
  'CamelCase snake_case kebab-case SHOUTING',
  'naïve café Ångström',
  'cafe\u0301 a\u0308o\u0308 n\u0303',
  'e\u0301\u0302\u0303\u0304',
  'ﬁ ﬂ ﬃ ligatures',
  'Straße ẞ ſ İ ı',
  '日本語のテキスト',
  '中文字符，标点。「引号」',
  '한국어 텍스트',
  'русский текст',
  'Ελληνικά',
  'עברית עם נִקּוּד',
  'العَرَبِيَّة',
  'हिन्दी में लिखा',
  'ภาษาไทย',
  'កាន់តែពិសេសអាច',
  '🐋',
  '🚀🚀🚀',
  '👩‍👩‍👧‍👦 family',
  '🏴‍☠️ 🏳️‍🌈 🇩🇪',
  '👍🏽 skin',
  '😶‍🌫️',
  '\u00a0no\u00a0break\u00a0',
  '\u2003em\u2003space\u2009thin',
  '\u200bzero\u200bwidth\u200d',
  '\ufeffbyte order mark',
  '\u3000ideographic',
  '\u0000nul',
  '\u0001\u0002\u001b[0m',
  '\u007fdelete\u0085next line',
  '\u2028line\u2029paragraph',
  '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛',
  '𒀀𒁀 𐍈',
  '∑∫√∞ ≠ ≤ → ⇒',
  '“quotes” ‘single’ «guillemets» — dash – en',
  '```js\nconst x = `${y}`;\n```',
  '<html lang="en">&amp;</html>',
  '{"key": [1, 2, null], "t": true}',
  'def f(x):\n    return x ** 2  # square\n',
  'if (a&&b||!c) { x<<=2; y>>>0; }',
  'C:\\path\\to\\file /usr/bin/env',
  'https://example.org/a?b=c&d=%20#e',
  'user@example.org',
  '$\\frac{1}{2}$ \\begin{x}',
  '<s>',
  '</s>',
  '<s>text</s>',
  'no <s> in <s>between</s>',
  '<unk>',
  '<|endoftext|>',
  '<|im_start|>user\nHi<|im_end|>\n',
  '<|begin_of_text|>x<|end_of_text|>',
  '<|im_start|><|im_start|>',
  '< s> <|im_start |> <| im_end|>',
  '<0x41>',
  '[PAD300]',
  '▁',
  '▁▁word▁word',
  'Ġword Ċ ĉ',
  '\\n\\t\\u0041',
] as const;

/** 240 texts: the fragments, and fragments side by side. */
export const AWKWARD_TEXTS: readonly string[] = [...FRAGMENTS, ...combined(240 - FRAGMENTS.length)];

function combined(count: number): string[] {
  const random = xoroshiro128plus(7);
  return Array.from({ length: count }, () => {
    const parts = Array.from({ length: uniformInt(random, 2, 4) }, () => {
      return FRAGMENTS[uniformInt(random, 0, FRAGMENTS.length - 1)] ?? '';
    });
    return parts.join(uniformInt(random, 0, 1) === 0 ? '' : ' ');
  });
}
