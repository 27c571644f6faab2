/**
 * The contract of src/backend/backend.ts as tests, the same ones for every backend, on the real filesystem. Each clause is a sentence of the
 * contract; which apply is said by the capabilities, as data. The end of each suite says how many were proven and which do not apply.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LISTING } from './clauses-listing.ts';
import { LOG } from './clauses-log.ts';
import { LOCKING } from './clauses-locking.ts';
import { REFUSING } from './clauses-refusing.ts';
import { REMOVING } from './clauses-removing.ts';
import { RENAMING } from './clauses-renaming.ts';
import { RESTORING } from './clauses-restoring.ts';
import { SEVERAL } from './clauses-several.ts';
import { SNAPSHOT } from './clauses-snapshot.ts';
import { SPACE } from './clauses-space.ts';
import { SWEEPING } from './clauses-sweeping.ts';
import { INTERFERING } from './clauses-interfering.ts';
import { CUT_SHORT } from './clauses-cut-short.ts';
import { TRASH } from './clauses-trash.ts';
import { children, othersShowing, until } from './processes.ts';
import type { Applicability, Ground } from './ground.ts';
import { makeScene, type Scene } from './scene.ts';
import { mountTable } from '../support/scratch.ts';

export interface Clause {
  /** Of the contract: `remove: …`. */
  readonly sentence: string;
  /** Why it does not apply, or false. */
  readonly unless?: (about: Applicability) => string | false;
  readonly test: (scene: Scene) => Promise<void>;
  /** What is beside the old root is changed by the test itself. */
  readonly changesBeside?: boolean;
}

const CLAUSES: readonly Clause[] = [
  ...LISTING,
  ...REFUSING,
  ...REMOVING,
  ...SEVERAL,
  ...RESTORING,
  ...SWEEPING,
  ...TRASH,
  ...RENAMING,
  ...SNAPSHOT,
  ...SPACE,
  ...LOG,
  ...INTERFERING,
  ...CUT_SHORT,
  ...LOCKING,
];

const LAST = 'leaves no mount, no keeper and no namespace behind';

/** The name of each test for such a filesystem, and why it does not apply, or null. In the order of the suite. */
export function testsFor(about: Applicability): readonly { readonly name: string; readonly why: string | null }[] {
  const clauses = CLAUSES.map(({ sentence, unless }) => ({ name: sentence, why: (unless?.(about) ?? false) || null }));
  return [...clauses, { name: LAST, why: null }];
}

/** One of so many parts of the suite, which take about as long: of a whole, the only one. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** What is left behind is looked for after each part. */
export function isInPart(tests: readonly { readonly name: string }[], name: string, { number, of }: Part): boolean {
  return name === LAST || tests.findIndex((test) => test.name === name) % of === number - 1;
}

export function backendSuite(name: string, about: Applicability, makeGround: () => Ground): void {
  describe(`${name} keeps the contract`, () => {
    let ground: Ground | undefined;
    let proven = 0;

    beforeAll(() => {
      ground = makeGround();
    });
    afterAll(() => {
      ground?.close();
      const others = testsFor(about).flatMap((each) => (each.why === null ? [] : [`\n  does not apply: ${each.name} (${each.why})`]));
      console.log(`${name}: ${String(proven)} sentences of the contract are proven${others.join('')}`);
    });

    for (const { sentence, unless, test, changesBeside } of CLAUSES) {
      if ((unless?.(about) ?? false) !== false) continue;
      it(sentence, async () => {
        if (ground === undefined) throw new Error('there is no filesystem');
        const scene = makeScene(ground, about);
        try {
          const before = scene.digest();
          await test(scene);
          if (changesBeside !== true) expect(scene.digest()).toEqual(before);
        } catch (error) {
          // What it has left half-way may not be taken down either; why it failed counts.
          await scene.close().catch(() => undefined);
          throw error;
        }
        await scene.close();
        proven += 1;
      });
    }

    it(LAST, async () => {
      const base = ground?.base ?? '';
      const source = mountTable().find((mount) => mount.at === base)?.source;
      expect(mountTable().filter((mount) => mount.at.startsWith(`${base}/`))).toEqual([]);
      expect(children()).toEqual([]);
      // Other tests may have made a mount namespace for themselves meanwhile, which has what was mounted then.
      if (source?.startsWith('/dev/') === true) await until('nobody else to see it', () => othersShowing(source).length === 0);
    });
  });
}
