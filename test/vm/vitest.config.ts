import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['test/vm/**/*.test.ts'],
    // One machine takes all processors.
    fileParallelism: false,
    reporters: ['default', './test/support/summary-reporter.ts'],
    // The machine keeps limits of its own.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    env: { TZ: 'UTC' },
  },
});
