import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['test/vm/**/*.test.ts'],
    // A machine has one processor, and there are two here.
    maxWorkers: 2,
    reporters: ['default', './test/vm/contract-reporter.ts', './test/support/summary-reporter.ts'],
    // The machine keeps limits of its own.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    env: { TZ: 'UTC' },
  },
});
