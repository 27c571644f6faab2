/**
 * The conformance suite (test/backend-suite) for one backend in the test machine. Each sentence of the contract is a test here, which passes only if the machine
 * said that it is proven.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { isInPart, testsFor, type Part } from '../backend-suite/suite.ts';
import { bundleSuite } from './bundle.ts';
import { GROUNDS } from './guest/grounds.ts';
import type { Failure, Verdict } from './guest/vitest.ts';
import { guestOf } from './guest-suite.ts';
import { tryInGuest, type Guest } from './machine.ts';

/** What the table of the contract is made of (contract-reporter.ts). */
export interface ContractMeta {
  readonly backend: string;
  readonly tests: ReturnType<typeof testsFor>;
}

declare module 'vitest' {
  interface TaskMeta {
    contract?: ContractMeta;
    /** How long it took in the machine. */
    msInGuest?: number;
  }
}

/** Around the tests themselves. */
const AROUND = ['before all', 'after all'];

/** `part`: of those that are run beside each other. */
export function contractSuite(backend: keyof typeof GROUNDS, part: Part = { number: 1, of: 1 }): void {
  const { name, about, module } = GROUNDS[backend];
  const tests = testsFor(about).filter((test, _, all) => isInPart(all, test.name, part));
  describe(
    `${name} in the test machine${part.of === 1 ? '' : `, part ${String(part.number)}`}`,
    { meta: { contract: { backend: name, tests } } },
    () => {
      const guest = guestOf(async () => run(backend, module, part));
      const verdicts = (): Verdict[] => verdictsOf(guest());

      for (const { name: test, why } of tests) {
        if (why !== null) continue;
        it(test, ({ task }) => {
          const all = verdicts().filter((verdict) => verdict.test === test && verdict.result !== 'started');
          const [verdict, ...more] = all;
          if (verdict === undefined) throw new Error(`there is no verdict; ${guest().failure ?? 'the suite ended before'}`);
          expect(more).toEqual([]);
          if (verdict.ms !== undefined) task.meta.msInGuest = verdict.ms;
          if (verdict.result !== 'passed') throw errorOf(verdict.error);
        });
      }

      it('says of nothing else than of these that it passed, and fails nowhere else', () => {
        expect(guest().failure).toBeNull();
        const known = new Set(tests.flatMap((test) => (test.why === null ? [test.name] : [])));
        const others = verdicts().filter(({ test, result }) => result !== 'started' && !known.has(test));
        expect(others.map(({ test, result, error }) => [test, result, error])).toEqual(AROUND.map((test) => [test, 'passed', undefined]));
      });
    },
  );
}

async function run(backend: keyof typeof GROUNDS, module: string, { number, of }: Part): Promise<Guest> {
  const folder = mkdtempSync(join(tmpdir(), 'roots-vm-suite-'));
  try {
    await bundleSuite(join(folder, 'suite'));
    writeFileSync(join(folder, 'backend'), `${backend} ${module} ${String(number)}/${String(of)}\n`);
    return await tryInGuest({
      script: fileURLToPath(new URL('suite.sh', import.meta.url)),
      boot: 'init',
      diskMiB: [600],
      files: { suite: join(folder, 'suite'), backend: join(folder, 'backend') },
      limitSeconds: 4500,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of a line that was cut short when the machine died nothing is known. */
function verdictsOf(guest: Guest): Verdict[] {
  const [cut, ...lines] = guest.result('verdicts').split('\n').reverse();
  if (cut !== '' && guest.failure === null) throw new Error(`a verdict is cut short: ${cut ?? ''}`);
  return lines.reverse().map((line) => JSON.parse(line) as Verdict);
}

/** As it was thrown there, so that vitest shows what was compared. */
function errorOf(failure: Failure | undefined): Error {
  const { message, ...more } = failure ?? { message: 'it failed without a word' };
  return Object.assign(new Error(message), more);
}
