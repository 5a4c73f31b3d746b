import vue from 'eslint-plugin-vue';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const rules = {
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/consistent-type-assertions': [
    'error',
    { assertionStyle: 'as', objectLiteralTypeAssertions: 'never' },
  ],
  '@typescript-eslint/switch-exhaustiveness-check': 'error',
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  eqeqeq: 'error',
  'no-console': 'error',
  'prefer-const': 'error',
  'max-lines': ['error', { max: 400, skipBlankLines: true }],
};

/** The same for .ts and .vue: with others the type checker would read the whole project once more. */
const parserOptions = {
  projectService: true,
  tsconfigRootDir: import.meta.dirname,
  extraFileExtensions: ['.vue'],
};

export default defineConfig(
  globalIgnores(['node_modules/', 'build/', '**/build/', 'main/engine/kernels/assembly/', 'resources/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions },
    rules,
  },
  {
    files: ['renderer/**/*.vue'],
    extends: [tseslint.configs.strictTypeChecked, vue.configs['flat/recommended-error']],
    languageOptions: { parserOptions: { ...parserOptions, parser: tseslint.parser } },
    rules: {
      ...rules,
      // vue-tsc and the compiler know better what a template may name.
      'no-undef': 'off',
      // `Button`, `Dialog`, `Menu` are the words; templates write them as components, never as elements.
      'vue/multi-word-component-names': 'off',
      'vue/no-reserved-component-names': 'off',
      // Optional is optional: what a component does without a value stands in its template.
      'vue/require-default-prop': 'off',
      // A Boolean prop that is left out is false unless its default says true; the rule does not know that.
      '@typescript-eslint/no-useless-default-assignment': 'off',
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      // A static style attribute is refused by the content security policy.
      'vue/no-static-inline-styles': 'error',
      'vue/no-v-html': 'error',
      // Prettier's.
      'vue/html-indent': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-closing-bracket-newline': 'off',
    },
  },
  {
    files: ['renderer/**/*.{ts,vue}'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression > Identifier.property[name=/^(toSorted|toReversed|toSpliced|withResolvers)$/]',
          message: 'The shell is tested in Chromium 108, which does not have it.',
        },
      ],
    },
  },
  {
    // A test of numbers indexes typed arrays in tight loops; vitest's matchers take unbound methods.
    files: ['tests/**/*.ts', 'bench/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off', 'no-console': 'off' },
  },
);
