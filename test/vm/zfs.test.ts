/** What only ZFS has (test/backend-suite/zfs-own.ts), in the test machine. Each passes only if the machine said so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { zfsTests } from '../backend-suite/zfs-own.ts';
import { bundleForGuest } from './bundle.ts';
import type { Verdict } from './guest/vitest.ts';
import { guestOf } from './guest-suite.ts';
import { tryInGuest } from './machine.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

describe('ZFS itself, in the test machine', () => {
  const guest = guestOf(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roots-vm-zfs-'));
    try {
      await bundleForGuest({ zfs: here('guest/zfs.ts') }, folder);
      return await tryInGuest({ script: here('zfs.sh'), boot: 'init', files: { programs: folder }, limitSeconds: 1800 });
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

  zfsTests((name) => {
    it(name, () => {
      const [verdict] = verdicts().filter(({ test }) => test === name);
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
