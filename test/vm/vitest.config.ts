import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take minutes, the longest first: else the last one would run alone. */
const LONG = ['suite-zfs-1', 'suite-zfs-2', 'suite-btrfs', 'stories', 'suite-bcachefs', 'zfs', 'timer', 'bcachefs'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at === -1 ? LONG.length : at;
    };
    return Promise.resolve(files.toSorted((a, b) => rank(a) - rank(b)));
  }
}

export default defineConfig({
  test: {
    environment: 'node',
    pool: 'forks',
    include: ['test/vm/**/*.test.ts'],
    // A machine has one processor, and there are two here: with a third each takes longer than its share (measured).
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/vm/contract-reporter.ts', './test/support/summary-reporter.ts'],
    // The machine keeps limits of its own.
    testTimeout: 5_000_000,
    hookTimeout: 5_000_000,
    env: { TZ: 'UTC' },
  },
});
