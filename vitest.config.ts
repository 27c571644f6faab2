import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'node',
    // Tests fork children, mount and change the umask: nothing for threads.
    pool: 'forks',
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'test/vm/**'],
    globalSetup: ['test/support/find-requirements.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    // Limits for what hangs, not for what is slow: real filesystems take seconds, more so on a loaded machine.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // What the tests mean by local time, wherever they run.
    env: { TZ: 'UTC' },
  },
});
