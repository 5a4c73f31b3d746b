import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

/** The renderer's bundle: what a window loads from `claq://app/`, and a browser from `claq serve`. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  publicDir: false,
  plugins: [vue({ features: { optionsAPI: false } })],
  define: {
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
  },
  build: {
    outDir: 'build/renderer',
    emptyOutDir: true,
    // The oldest Chromium that the shell is tested in.
    target: 'chrome108',
    // The policy has no `data:` for scripts, and an inlined script would break it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
});
