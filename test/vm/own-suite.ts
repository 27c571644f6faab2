/** What only one filesystem has (test/backend-suite/own.ts), in the test machine. Each test passes only if the machine said so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bundleForGuest } from './bundle.ts';
import type { Verdict } from './guest/vitest.ts';
import { guestOf } from './guest-suite.ts';
import { tryInGuest } from './machine.ts';
import { OWN } from './own.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export function ownSuite(name: string, backend: keyof typeof OWN): void {
  describe(`${name} itself, in the test machine`, () => {
    const guest = guestOf(async () => {
      const folder = mkdtempSync(join(tmpdir(), `roots-vm-${backend}-`));
      try {
        await bundleForGuest({ own: here('guest/own.ts') }, join(folder, 'programs'));
        writeFileSync(join(folder, 'backend'), `${backend}\n`);
        const files = { programs: join(folder, 'programs'), backend: join(folder, 'backend') };
        return await tryInGuest({ script: here('own.sh'), boot: 'init', diskMiB: [256], files, limitSeconds: 1800 });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
    const verdicts = (): Verdict[] =>
      guest()
        .result('verdicts')
        .split('\n')
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as Verdict)
        .filter(({ result }) => result !== 'started');

    OWN[backend].tests((test) => {
      it(test, () => {
        const [verdict] = verdicts().filter((each) => each.test === test);
        if (verdict === undefined) throw new Error(`there is no verdict; ${guest().failure ?? 'it ended before'}`);
        if (verdict.result !== 'passed') throw Object.assign(new Error(verdict.error?.message), verdict.error);
      });
    });

    it('leaves nothing behind and fails nowhere else', () => {
      expect(guest().failure).toBeNull();
      const around = verdicts().filter(({ test }) => ['before all', 'after all'].includes(test));
      expect(around.map(({ result }) => result)).toEqual(['passed', 'passed']);
    });
  });
}
