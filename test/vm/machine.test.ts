/** What the other tests of this folder rest on: a machine that has what they need, and a runner that takes no silence for success. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withScratch } from '../support/scratch.ts';
import { guestSuite } from './guest-suite.ts';
import { runInGuest } from './machine.ts';

describe('the machine', () => {
  const result = guestSuite({
    script: fileURLToPath(new URL('machine.sh', import.meta.url)),
    boot: 'init',
    diskMiB: [256, 256],
    limitSeconds: 300,
  });

  it('has the three filesystems', () => {
    expect(result('types')).toBe('btrfs\nbcachefs\nzfs\n');
  });

  it('runs the built program', () => {
    expect(result('version')).toMatch(/^roots\/\S+ linux-x64 node-v2\d\./);
  });
});

describe('a run of the machine fails', () => {
  it('if the script does', async () => {
    expect(await failureOf('echo so far; exit 7', 120)).toMatch(/so far\n(?:.*\n)*.*its script ended with status 7/);
  });

  it('if the machine ends before the script has', async () => {
    expect(await failureOf('poweroff -f -f; sleep infinity', 120)).toContain('it ended without a verdict');
  });

  it('if it takes too long', async () => {
    expect(await failureOf('sleep infinity', 20)).toContain('it ended without a verdict (more than 20 s)');
  });
});

/** The message; what is kept must be there, and is removed. */
async function failureOf(commands: string, limitSeconds: number): Promise<string> {
  return withScratch(async (scratch) => {
    const script = join(scratch.path, 'script.sh');
    writeFileSync(script, `#!/bin/sh\n${commands}\n`);
    const { message } = await runInGuest({ script, boot: 'init', limitSeconds }).then(
      () => new Error('it succeeded'),
      (error: unknown) => error as Error,
    );
    const kept = /kept: (\/.*)$/.exec(message)?.[1] ?? '';
    expect(existsSync(join(kept, 'console.log'))).toBe(true);
    rmSync(kept, { recursive: true });
    return message;
  });
}
