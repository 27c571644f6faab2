/**
 * What a test needs of the machine. Where that is missing it is skipped, and the end of the run says so and why. With
 * ROOTS_TEST_REQUIRE_ALL=1 a skipped test, whatever skipped it, is a failure.
 *
 *     requires.btrfs('the btrfs adapter', () => { it(…) });
 *     it.skipIf(missing('acl'))('…', { meta: { needs: 'ACLs' } }, () => { … });
 */
import { describe, inject } from 'vitest';
import type { Requirement } from './find-requirements.ts';

type Suite = (name: string, body: () => void) => void;

/** `describe` for tests that need it. */
export const requires: Readonly<Record<Requirement, Suite>> = {
  root: suiteThatNeeds('root'),
  btrfs: suiteThatNeeds('btrfs'),
  acl: suiteThatNeeds('acl'),
  attr: suiteThatNeeds('attr'),
  capabilities: suiteThatNeeds('capabilities'),
  mandoc: suiteThatNeeds('mandoc'),
  systemd: suiteThatNeeds('systemd'),
};

/** Why something is missing, or false. */
export function missing(requirement: Requirement): string | false {
  return inject('missing')[requirement] ?? false;
}

function suiteThatNeeds(requirement: Requirement): Suite {
  return (name, body) => {
    const why = missing(requirement);
    if (why === false) describe(name, body);
    else describe.skip(name, { meta: { needs: why } }, body);
  };
}

declare module 'vitest' {
  interface TaskMeta {
    /** Why it is skipped. */
    needs?: string;
  }
}
