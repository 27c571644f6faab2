import { defineConfig } from 'vitest/config';

/** In these there are containers, which make every removal on the machine refuse meanwhile: what is mounted in them cannot be seen. */
const ALONE = ['test/backend-suite/safety.test.ts', 'test/cli/safety-machine.test.ts'];

const common = {
  environment: 'node',
  // Tests fork children, mount and change the umask: nothing for threads.
  pool: 'forks',
  // Limits for what hangs, not for what is slow: real filesystems take seconds, more so on a loaded machine.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // What the tests mean by local time, wherever they run.
  env: { TZ: 'UTC' },
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/support/find-requirements.ts'],
    reporters: ['default', './test/support/summary-reporter.ts'],
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', 'test/vm/**', ...ALONE],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
