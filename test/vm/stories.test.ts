/**
 * The field fixture on each filesystem, by its own snippet, and what its user does with `roots` then. All of it has happened in one test machine
 * (guest/story.ts); here it is compared and judged.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { timerUnits } from '../../src/units/timer-units.ts';
import type { Diff, Find, History, List, ListedRoot, Prune, Restore, Undeleted } from '../cli/contracts.ts';
import { LOST_FILE, LOST_FILE_SHA256, liveSince } from '../fixtures/field-boots.ts';
import { snippetName } from '../fixtures/boot-times.ts';
import { kindsOf, packEntries, writeManyEntries } from '../fixtures/many-entries.ts';
import { bundleForGuest } from './bundle.ts';
import {
  ENTRIES,
  LIVE,
  NOW,
  configFile,
  type Filesystem,
  type ProgramRun,
  type Session,
  type State,
  type Story,
  type ZfsStory,
} from './guest/story-contract.ts';
import { guestOf } from './guest-suite.ts';
import { runInGuest } from './machine.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const SNIPPETS = ['rollback-snippet.sh', 'rollback-snippet-bcachefs.sh', 'rollback-snippet-zfs.sh', 'rollback-snippet-zfs-inside.sh'];
const FILESYSTEMS: readonly Filesystem[] = ['btrfs', 'zfs', 'bcachefs'];

/** Of the large tree, as it was made. */
let kinds: string;
const guest = guestOf(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roots-vm-stories-'));
  try {
    const [tree, entries] = [join(folder, 'tree'), join(folder, 'entries.tar')];
    mkdirSync(tree);
    writeManyEntries(tree, ENTRIES);
    kinds = kindsOf(tree);
    packEntries(tree, entries);
    await bundleForGuest({ story: here('guest/story.ts') }, folder);
    return await runInGuest({
      script: here('stories.sh'),
      boot: 'init',
      diskMiB: [768, 768],
      files: {
        'story.mjs': join(folder, 'story.mjs'),
        'entries.tar': entries,
        ...Object.fromEntries(SNIPPETS.map((name) => [name, here(`../fixtures/${name}`)])),
      },
      limitSeconds: 3600,
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
const told = (name: string): unknown => JSON.parse(guest().result(`${name}.json`));
const storyOf = (filesystem: Filesystem): Story => told(filesystem) as Story;

/** What the program answered, which must be JSON and all that it said. */
function answer({ runs }: Pick<Story, 'runs'>, word: string): unknown {
  const { status, stderr, stdout } = runOf({ runs }, word);
  expect({ word, status, stderr }).toEqual({ word, status: 0, stderr: '' });
  return JSON.parse(stdout);
}

function runOf({ runs }: Pick<Story, 'runs'>, word: string): ProgramRun {
  const run = runs[word];
  if (run === undefined) throw new Error(`the story has no ${word}`);
  return run;
}

/** At a moment while it ran. */
function expectAge({ archivedAt, ageSeconds }: ListedRoot, { startedAt, endedAt }: ProgramRun): void {
  const at = (time: string): number => Math.floor((Date.parse(time) - Date.parse(archivedAt)) / 1000);
  expect(ageSeconds).toBeGreaterThanOrEqual(at(startedAt));
  expect(ageSeconds).toBeLessThanOrEqual(at(endedAt));
}

/** By what the policies say of the names, and by hand. */
const NAMES = {
  /** Two of them older than 80 days, the others not the last of their day. */
  removedAtOnce: [
    '2026-08-23_04:48:00',
    '2026-08-31_02:24:07',
    '2026-10-28_03:37:24',
    '2026-11-7_02:25:52',
    '2026-11-17_04:50:27',
    '2026-11-17_06:16:58',
    '2026-11-17_07:14:41',
    '2026-11-19_08:12:31',
    '2026-11-19_10:51:02',
  ],
  /** Not the last of their week. */
  trashed: [
    '2026-09-28_14:24:35',
    '2026-10-7_00:00:49',
    '2026-10-20_07:13:10',
    '2026-10-28_04:49:31',
    '2026-11-5_12:01:45',
    '2026-11-9_14:26:06',
    '2026-11-13_09:38:13',
    '2026-11-17_14:26:48',
  ],
  unparseable: 'before-the-upgrade',
  future: '2027-12-25_12:00:00',
} as const;

describe('the field fixture', () => {
  it('has the same old roots on each filesystem', () => {
    const [first, ...others] = FILESYSTEMS.map(storyOf).map(({ boots, odd }) => ({ boots, odd }));
    for (const other of others) expect(other).toEqual(first);
    for (const { before } of FILESYSTEMS.map(storyOf)) {
      expect(Object.keys(before)).toHaveLength(33);
      expect(Object.keys(before)).toEqual(
        expect.arrayContaining([...NAMES.removedAtOnce, ...NAMES.trashed, NAMES.unparseable, NAMES.future]),
      );
    }
  });

  it('gives the same list but for identities, sizes, and what the filesystem says of the beginning of a boot', () => {
    const lists = FILESYSTEMS.map((filesystem) => {
      const story = storyOf(filesystem);
      const { roots, warnings, ...rest } = answer(story, 'list') as List;
      // What is nested is looked into on the others, and has to be mounted on ZFS.
      const nested: unknown = expect.stringContaining('have filesystems below them (machines, ');
      expect(warnings).toEqual(filesystem === 'zfs' ? [nested] : []);
      for (const root of roots) {
        expect(root.backend).toBe(filesystem);
        expect(root.id).not.toBe('');
        expectAge(root, runOf(story, 'list'));
        // Every other creation is later than what the name says, since the fixture was built after it, and so says nothing of a boot. bcachefs
        // does not tell when a subvolume was made (tools 1.13).
        const [from, to] = story.builtBetween.map(Date.parse);
        if (root.name === NAMES.future && filesystem !== 'bcachefs') {
          expect(Date.parse(root.bootedAt ?? '')).toBeGreaterThanOrEqual(Math.floor((from ?? 0) / 1000) * 1000);
          expect(Date.parse(root.bootedAt ?? '')).toBeLessThanOrEqual(to ?? 0);
        } else expect({ name: root.name, bootedAt: root.bootedAt }).toEqual({ name: root.name, bootedAt: null });
      }
      expect(new Set(roots.map(({ id }) => id)).size).toBe(roots.length);
      const alike = roots.map(({ target, name, ref, archivedAt, archivedAtSource, pinned, note, mounted, keep, reasons, warnings }) => ({
        ...{ target, name, ref, archivedAt, archivedAtSource, pinned, note, mounted, keep, reasons, warnings },
      }));
      return { roots: alike, ...rest };
    });
    expect(lists[0]?.roots).toHaveLength(31);
    expect(lists[0]?.unrecognised).toEqual([{ target: 'root', name: NAMES.unparseable, why: 'its name is not understood as a time' }]);
    for (const list of lists.slice(1)) expect(list).toEqual(lists[0]);
  });

  /** ZFS alone tells sizes without work. */
  it('has sizes where the filesystem keeps account', () => {
    const known = (filesystem: Filesystem): Set<boolean> =>
      new Set(
        (answer(storyOf(filesystem), 'list') as List).roots.map(
          ({ sizeBytes, exclusiveBytes }) => sizeBytes !== null && exclusiveBytes !== null,
        ),
      );
    expect(FILESYSTEMS.map(known)).toEqual([new Set([false]), new Set([true]), new Set([false])]);
  });

  it.each([
    ['from blank to live', 'unsaved'],
    ['from blank to an old root', 'wrote'],
  ])('gives the same differences %s', (_, word) => {
    const diffs = FILESYSTEMS.map((filesystem) => {
      const { engine, ...diff } = answer(storyOf(filesystem), word) as Diff;
      expect(engine).toMatch(/^(walk|btrfs-send|zfs-diff)$/);
      return diff;
    });
    expect(diffs[0]?.changes.length).toBeGreaterThan(40);
    expect(diffs[0]?.changes.some(({ pathBase64 }) => pathBase64 !== undefined)).toBe(true);
    for (const diff of diffs.slice(1)) expect(diff).toEqual(diffs[0]);
  });

  it('gives the same differences where ZFS is asked for them', () => {
    const [asked, walked] = ['wroteByZfs', 'wrote'].map((word) => answer(storyOf('zfs'), word) as Diff);
    expect([asked?.engine, walked?.engine]).toEqual(['zfs-diff', 'walk']);
    expect({ ...asked, engine: 'walk' }).toEqual(walked);
  });

  it('gives the same answers to where a lost file is, and what became of it', () => {
    const answers = FILESYSTEMS.map((filesystem) => {
      const story = storyOf(filesystem);
      const [{ paths, ...found }, { versions, ...became }] = [answer(story, 'find') as Find, answer(story, 'history') as History];
      return { paths, found, versions, became, cat: runOf(story, 'cat').stdout };
    });
    const [first] = answers;
    expect(first?.paths).toMatchObject([{ path: LOST_FILE.path, versions: 1 }]);
    expect(first?.became).toMatchObject({ live: false });
    expect(first?.became.deleted?.lastSeen.ref).toBe(`root:${storyOf('btrfs').boots[LOST_FILE.boot]?.name ?? ''}`);
    expect(first?.cat).toMatch(/^root:/);
    for (const other of answers.slice(1)) expect(other).toEqual(first);
  });

  it('gives the same plan of removal', () => {
    const plans = FILESYSTEMS.map((filesystem) => {
      const { at, targets } = answer(storyOf(filesystem), 'plan') as Prune;
      const { startedAt, endedAt } = runOf(storyOf(filesystem), 'plan');
      expect([startedAt, at, endedAt].toSorted()).toEqual([startedAt, at, endedAt]);
      // What would come back is known to ZFS alone.
      return targets.map((target) => ({ ...target, freedBytes: null }));
    });
    expect(plans[0]?.map(({ remove }) => remove.map(({ name }) => name))).toEqual([NAMES.removedAtOnce]);
    for (const plan of plans.slice(1)) expect(plan).toEqual(plans[0]);
  });
});

describe.each(FILESYSTEMS)('a user of %s', (filesystem) => {
  const story = (): Story => storyOf(filesystem);
  const gone = (): string[] => Object.keys(story().before).filter((name) => !(name in story().after));
  const names = (state: State): string[] => Object.keys(state).filter((name) => !name.startsWith('.roots'));

  it('finds out in which old root a lost file is, and gets it back as it was', () => {
    const boot = story().boots[LOST_FILE.boot]?.name ?? '';
    const { changes } = answer(story(), 'wrote') as Diff;
    expect(changes.find(({ path }) => LOST_FILE.path.startsWith(path))).toMatchObject({ kind: 'added' });
    expect(answer(story(), 'restore') as Restore).toMatchObject({
      items: [{ from: `root:${boot}`, path: LOST_FILE.path, destination: join(LIVE, LOST_FILE.path), result: 'restored', error: null }],
      problems: [],
    });
    const { lost, restored } = story();
    expect(lost).toMatchObject({ sha256: LOST_FILE_SHA256, mode: '100600', owner: '1000:100' });
    expect(lost?.xattrs).toContain('user.xdg.comment=');
    expect(restored).toEqual(lost);
  });

  it('has it pruned by the command line of the timer: what is due goes, all else stays as it is', () => {
    const [service] = timerUnits({
      program: [fromText('/usr/bin/roots')],
      config: fromText(configFile('A')),
      writable: [],
      rotates: false,
      onCalendar: null,
      onFailure: null,
    });
    const run = runOf(story(), 'prune');
    const commandLine = service?.sections.Service?.find(([key]) => key === 'ExecStart')?.[1];
    expect(commandLine).toBe(['/usr/bin/roots', ...run.args].join(' '));
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    const left = [
      ...names(story().after),
      ...Object.keys(story().after).flatMap((name) => NAMES.trashed.filter((each) => name.endsWith(`.${each}`))),
    ];
    expect(
      Object.keys(story().before)
        .filter((name) => !left.includes(name))
        .sort(),
    ).toEqual(NAMES.removedAtOnce.toSorted());
    for (const name of names(story().after)) expect([name, story().after[name]]).toEqual([name, story().before[name]]);
  });

  it('has the others put into the trash, whole, and takes one back out of it', () => {
    const back = story().odd.readOnly ?? '';
    expect(runOf(story(), 'trash')).toMatchObject({ status: 0, stderr: '' });
    expect(answer(story(), 'undelete') as Undeleted).toMatchObject({ target: 'root', name: back });
    expect(gone().sort()).toEqual([...NAMES.removedAtOnce, ...NAMES.trashed.filter((name) => name !== back)].sort());
    const trash = Object.keys(story().after).filter((name) => name.startsWith('.roots-trash.'));
    expect(trash.map((name) => name.replace(/^\.roots-trash\.[^.]+\./, '')).sort()).toEqual(
      NAMES.trashed.filter((name) => name !== back).toSorted(),
    );
    for (const name of trash) expect(story().after[name]).toBe(story().before[name.replace(/^\.roots-trash\.[^.]+\./, '')]);
    expect(story().after[back]).toBe(story().before[back]);
  });

  it('gets a tree of 20,000 entries of every kind back from the last boot as it was', () => {
    const { run, entries, differences, ...tree } = story().tree;
    expect(tree.kinds).toBe(kinds);
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' });
    expect((JSON.parse(run.stdout) as Restore).items).toMatchObject([{ result: 'restored', lost: [], missing: [] }]);
    expect({ entries, differences }).toEqual({ entries: ENTRIES, differences: '' });
  });

  it('has no mount more than before', () => {
    expect(story().mountsBefore).toHaveLength(1);
    expect(story().mountsAfter).toEqual(story().mountsBefore);
  });

  it('boots again, into what blank is', () => {
    expect(story().nextLive).toBe(story().before['blank']);
    expect(story().after['blank']).toBe(story().before['blank']);
    expect(story().namesAfterNextBoot.toSorted()).toEqual([...Object.keys(story().after), snippetName(liveSince(NOW))].sort());
  });
});

describe('a user of ZFS whose blank is a snapshot of the root dataset itself', () => {
  const story = (): ZfsStory => told('zfs-inside') as ZfsStory;
  const LAST_HOURS = ['@today', '@lastboot'];

  it('sees datasets and snapshots listed together, each with its true time', () => {
    const { boots, snapshots } = story().archive;
    const { roots, unrecognised, warnings } = answer(story(), 'list') as List;
    const ofBoots = roots.filter(({ name }) => !name.startsWith('@'));
    expect(ofBoots.map(({ name }) => name)).toEqual(boots.toReversed());
    const ofLive = [...snapshots.rolling, snapshots.timed, snapshots.lastBoot].map((name) => `@${name}`);
    expect(roots.map(({ name }) => name).filter((name) => name.startsWith('@'))).toEqual(ofLive.toReversed());
    const leaving: unknown = expect.stringContaining('9 snapshots of zroot/root will be in the old root');
    expect({ unrecognised, warnings }).toEqual({ unrecognised: [], warnings: [leaving] });
    const source = new Map(roots.map(({ name, archivedAtSource }) => [name, archivedAtSource]));
    expect(ofBoots.map(({ name }) => source.get(name))).toEqual(boots.map(() => 'name'));
    expect(ofLive.map((name) => source.get(name))).toEqual(ofLive.map((name) => (name === `@${snapshots.timed}` ? 'name' : 'creation')));
    // Each was made when the one before it was put aside.
    for (const [number, { bootedAt, archivedAt }] of ofBoots.toReversed().entries()) {
      const made = Date.parse(bootedAt ?? '');
      const before = ofBoots.toReversed()[number - 1];
      expect(made).toBeLessThan(Date.parse(archivedAt));
      if (before !== undefined) expect(made - Date.parse(before.archivedAt)).toBeLessThan(600_000);
      if (before !== undefined) expect(made).toBeGreaterThanOrEqual(Date.parse(before.archivedAt));
    }
    for (const name of LAST_HOURS) {
      expect(roots.find((root) => root.name === name)?.ageSeconds).toBeLessThan(0.15 * 86_400);
    }
  });

  it('has the old root removed that owns the blank, and keeps the blank', () => {
    const { archive, before, after, origins } = story();
    expect(runOf(story(), 'prune')).toMatchObject({ status: 0, stderr: '' });
    const kept = ['blank', ...archive.boots.slice(3)];
    expect(
      Object.keys(after)
        .filter((name) => !name.startsWith('.'))
        .sort(),
    ).toEqual(kept.toSorted());
    for (const name of kept) expect([name, after[name]]).toEqual([name, before[name]]);
    expect(origins).toMatchObject({ 'zroot/root': '-', 'zroot/root@blank': '-' });
    for (const name of archive.boots.slice(3)) expect(origins[`zroot/old_roots/${name}`]).toBe('zroot/root@blank');
    const snapshots = [...archive.snapshots.rolling, archive.snapshots.timed, archive.snapshots.lastBoot];
    expect(Object.keys(origins)).toEqual(expect.arrayContaining(snapshots.map((name) => `zroot/root@${name}`)));
  });

  it('is told which snapshots a boot by `zfs rollback` would destroy', () => {
    const { warnings } = answer(story(), 'rolledBack') as List;
    expect(warnings).toEqual([expect.stringContaining('zfs rollback -r zroot/root@blank')]);
    expect(warnings[0]).toMatch(/^9 snapshots of zroot\/root /);
  });

  it('has no mount more than before, and boots again, into what blank is', () => {
    expect(story().mountsAfter).toEqual(story().mountsBefore);
    expect(story().nextLive).toBe(story().before['blank']);
    const names = story().namesAfterNextBoot.filter((name) => !name.startsWith('.'));
    expect(names.sort()).toEqual([...Object.keys(story().after).filter((name) => !name.startsWith('.')), snippetName(NOW)].sort());
  });
});

describe.each(['zfs', 'bcachefs'] as const)('in a terminal of 80 columns and 24 rows, a user of %s who has lost a file', (filesystem) => {
  const story = (): Story => storyOf(filesystem);
  const required = (session: Session | null): Session => {
    if (session === null) throw new Error('nobody asked');
    return session;
  };

  it('has it back in three commands in a terminal', () => {
    const { runs, back } = required(story().byCommands);
    expect(runs.map(({ args, status }) => [args[0], status])).toEqual([
      ['find', 0],
      ['history', 0],
      ['restore', 0],
    ]);
    const boot = story().boots[LOST_FILE.boot]?.name ?? '';
    for (const { args, text } of runs) expect({ args, text }).toEqual({ args, text: expect.stringContaining(boot) as string });
    expect(back).toEqual(story().lost);
  });

  it('has it back by one command that asks', () => {
    const { runs, back } = required(story().byBrowsing);
    expect(runs).toMatchObject([{ args: ['browse'], status: 0, text: expect.stringContaining('1 item restored.') as string }]);
    expect(back).toEqual(story().lost);
  });
});
