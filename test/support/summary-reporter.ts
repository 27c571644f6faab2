/** The end of every run: what failed, what was skipped and why, and one line that counts. */
import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSuite, Vitest } from 'vitest/node';

export default class SummaryReporter implements Reporter {
  /** The run was narrowed to some tests by their names: the others count as skipped, but not to anyone's surprise. */
  #narrowed = false;

  onInit(vitest: Vitest): void {
    this.#narrowed = vitest.config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const passed = count('passed');
    const skipped = tests.filter((test) => test.result().state === 'skipped' && !(this.#narrowed && whySkipped(test) === undefined));
    // A file that cannot be loaded, a hook that throws, an error that nobody awaited: failures that no test stands for.
    const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]).filter((part) => part.errors().length > 0);
    const mustNotSkip = process.env['ROOTS_TEST_REQUIRE_ALL'] === '1' && skipped.length > 0;
    const failed = count('failed') + count('pending') + broken.length + unhandledErrors.length + (mustNotSkip ? skipped.length : 0);

    for (const line of failedLines([...tests, ...broken])) console.log(line);
    for (const line of skippedLines(skipped)) console.log(line);
    if (mustNotSkip) {
      console.log('ROOTS_TEST_REQUIRE_ALL is set: skipped tests count as failed.');
      process.exitCode = 1;
    }
    if (reason === 'interrupted') console.log('The run was interrupted: these are not all tests.');
    console.log(
      `${String(passed)} passed, ${String(failed)} failed${skipped.length > 0 && !mustNotSkip ? `, ${String(skipped.length)} skipped` : ''}`,
    );
  }
}

/** Short, to be found again at the end of a long log: `FAILED file > test: why`. What the whole story is, vitest has said. */
function failedLines(parts: readonly (TestCase | TestSuite | TestModule)[]): string[] {
  return parts.flatMap((part) => {
    const errors = part.type === 'test' ? (part.result().errors ?? []) : part.errors();
    const where = part.type === 'module' ? part.relativeModuleId : `${part.module.relativeModuleId} > ${part.fullName}`;
    return errors.map(({ message }) => `FAILED ${where}: ${message.split('\n', 1)[0] ?? ''}`);
  });
}

function skippedLines(skipped: readonly TestCase[]): string[] {
  const groups = new Map<string, TestCase[]>();
  for (const test of skipped) {
    const why = whySkipped(test) ?? 'no reason given';
    groups.set(why, [...(groups.get(why) ?? []), test]);
  }
  return [...groups].flatMap(([why, tests]) => [
    `SKIPPED ${String(tests.length)} test${tests.length === 1 ? '' : 's'}: ${why}`,
    ...[...new Set(tests.map((test) => test.module.relativeModuleId))].map((file) => `  ${file}`),
  ]);
}

function whySkipped(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return result.note;
  for (let task: TestCase | TestSuite | TestModule = test; ; task = task.parent) {
    const { needs } = task.meta();
    if (needs !== undefined) return needs;
    if (task.type === 'module') return undefined;
  }
}
