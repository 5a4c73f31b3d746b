import { defineConfig } from 'vitest/config';

// Two projects: `unit` is what `npm run check` runs (seconds); `whole` runs the engine, the command and real files.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/*.whole.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'whole',
          include: ['tests/**/*.whole.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
    maxWorkers: 2,
  },
});
