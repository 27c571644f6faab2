/** Scenes in which a run is killed, and what must hold then: every old root is whole or gone, the log says so, and the next run finishes. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeFalseTimes } from '../fixtures/false-times.ts';
import { tool } from '../support/scratch.ts';
import { roots, traces } from './roots.ts';
import { smallBtrfs } from './small-archives.ts';

const STAYS = ['2026-06-01_00:00:00', '2026-06-02_00:00:00'];
const FLAT = ['2026-01-01_00:00:00', '2026-01-02_00:00:00'];
const NESTED = '2026-01-03_00:00:00';
const IMMUTABLE = '2026-01-04_00:00:00';
const PINNED = '2026-01-05_00:00:00';
/** In the trash since long ago. */
const DUE = '2025-12-01_00:00:00';
const GOES = [...FLAT, NESTED, IMMUTABLE];

/** What has left the archive already. */
const isOnItsWay = (entry: string): boolean => /^\.roots-(?:removing|deleting)\./.test(entry);

interface LogLine {
  readonly event: string;
  readonly name?: string;
  readonly id?: string;
  readonly reasons?: readonly string[];
}

export interface Scene {
  readonly name: string;
  readonly args: readonly string[];
  readonly rules: string;
  readonly prepare: () => Promise<void>;
  /** Besides what all have. */
  readonly env: Readonly<Record<string, string>>;
  readonly expectDone: (what: string) => void;
  /** The exit statuses that the next run may have: what was done already cannot be done again. */
  readonly again: readonly number[];
}

export interface Killing {
  readonly scratch: string;
  readonly scenes: readonly Scene[];
  /** The configuration of a scene. */
  config(scene: Scene): string;
  /** After a run that was killed: `what` is said where something does not hold. */
  expectFinished(scene: Scene, what: string): Promise<void>;
  close(): void;
}

export const SCENE_NAMES = ['prune', 'prune into the trash', 'undelete', 'rotate'] as const;

export function makeKilling(): Killing {
  const small = smallBtrfs();
  const times = makeFalseTimes(small.scratch);
  const left = traces(small.image.device, small.scratch);
  const configs = new Map<string, string>();

  const at = (name: string): string => join(small.archive, name);
  const entries = (): string[] => readdirSync(small.archive).sort();
  const trashed = (name: string): string | undefined =>
    entries().find((entry) => /^\.roots-trash\.\w+\./.test(entry) && entry.endsWith(`.${name}`));
  const leftovers = (): string[] => entries().filter((entry) => isOnItsWay(entry));
  const log = (): LogLine[] =>
    readFileSync(at('.roots/log.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);

  /** All files of a root, nested subvolumes included. */
  const filesOf = (entry: string): string[] => (readdirSync(at(entry), { recursive: true }) as string[]).sort();

  function destroy(path: string): void {
    spawnSync('chattr', ['-i', path]);
    const nested = (readdirSync(path, { recursive: true }) as string[]).filter((each) => lstatSync(join(path, each)).ino === 256).sort();
    for (const each of [...nested.reverse(), '']) tool('btrfs', 'subvolume', 'delete', join(path, each));
  }

  const wholeFiles = new Map<string, string[]>();

  function build(): void {
    for (const entry of entries()) {
      if (entry !== '.roots') destroy(at(entry));
    }
    if (entries().includes('.roots')) rmSync(at('.roots/log.jsonl'), { force: true });
    for (const name of [...STAYS, ...GOES, PINNED, DUE]) small.add(name);
    for (const path of [join(NESTED, 'srv'), join(NESTED, 'srv/deep'), join(NESTED, 'tmp')]) {
      small.create(join('old_roots', path));
      writeFileSync(join(at(path), 'data'), path);
    }
    wholeFiles.clear();
    for (const name of [...STAYS, ...GOES, PINNED, DUE]) wholeFiles.set(name, filesOf(name));
    tool('chattr', '+i', at(IMMUTABLE));
    renameSync(at(DUE), at(`.roots-trash.20260101T000000Z.${DUE}`));
  }

  /** What is listed, in the archive or in the trash, is whole. */
  function expectWhole(what: string): void {
    for (const entry of entries()) {
      if (entry === '.roots' || isOnItsWay(entry)) continue;
      const name = entry.replace(/^\.roots-trash\.\w+\./, '');
      // Of a snapshot the name says nothing.
      const whole = wholeFiles.get(name) ?? (readdirSync(small.live, { recursive: true }) as string[]).sort();
      expect(filesOf(entry), `${what}: ${entry}`).toEqual(whole);
    }
  }

  /** What it says last of each agrees with what is there, and nothing stays announced. */
  function expectLog(what: string): void {
    const last = new Map<string, LogLine>();
    for (const line of log()) {
      if (line.name !== undefined) last.set(`${line.name} ${line.id ?? ''}`, line);
    }
    for (const { event, name = '' } of last.values()) {
      const where = entries().includes(name) ? 'archive' : trashed(name) === undefined ? 'gone' : 'trash';
      const expected = { removed: 'gone', trashed: 'trash', undeleted: 'archive', failed: 'archive' }[event];
      expect([name, event, where], what).toEqual([name, event, expected]);
    }
  }

  const expectGone = (what: string, names: readonly string[]): void => {
    expect(leftovers(), what).toEqual([]);
    for (const name of names) {
      expect([name, entries().includes(name), trashed(name)], what).toEqual([name, false, undefined]);
      const told = log().filter((line) => line.name === name && line.event === 'removed');
      expect(told.length, `${what}: ${name} is logged once`).toBe(1);
      expect(told[0]?.reasons, what).not.toEqual([]);
    }
    for (const name of [...STAYS, PINNED]) expect(entries(), what).toContain(name);
  };

  const prepare = async (rules: string): Promise<void> => {
    build();
    expect((await roots(['pin', PINNED, '--config', small.config(rules)])).status).toBe(0);
  };

  const KEEP = '[targets.root.keep]\nlast = 2';
  const GRACE = `${KEEP}\n[targets.root.prune]\ngrace = "1d"`;
  const ROTATE = '[targets.root.rotate]\nslots = 3';
  const NOON = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000 + 43_200_000);
  /** By how many days ago they were taken, as the last run left them five days ago; two are of one day, two have each other's name. */
  const SLOTS: readonly (readonly [name: string, days: number])[] = [
    ['today', 5],
    ['yesterday', 6],
    ['2daysago', 8],
    ['5daysago', 7],
    ['3daysago', 9],
    ['7daysago', 5.1],
  ];

  /** Each has a file that says when it was taken. */
  async function prepareSlots(): Promise<void> {
    build();
    for (const entry of entries()) if (!STAYS.includes(entry) && entry !== '.roots') destroy(at(entry));
    wholeFiles.clear();
    for (const name of STAYS) wholeFiles.set(name, filesOf(name));
    for (const [name, days] of SLOTS) {
      writeFileSync(join(small.live, 'taken'), String(days));
      tool('btrfs', 'subvolume', 'snapshot', '-r', join(small.top, 'root'), at(name));
      times.set(small.idOf(join('old_roots', name)), new Date(NOON.getTime() - days * 86_400_000));
    }
    writeFileSync(join(small.live, 'taken'), 'now');
    tool('btrfs', 'filesystem', 'sync', small.top);
    return Promise.resolve();
  }

  const SCENES: readonly Scene[] = [
    {
      name: 'prune',
      env: {},
      args: ['prune', '--yes'],
      rules: KEEP,
      prepare: () => prepare(KEEP),
      expectDone: (what) => {
        expectGone(what, [...GOES, DUE]);
      },
      again: [0],
    },
    {
      name: 'prune into the trash',
      env: {},
      args: ['prune', '--yes'],
      rules: GRACE,
      prepare: () => prepare(GRACE),
      expectDone: (what) => {
        expectGone(what, [DUE]);
        for (const name of GOES) expect(trashed(name), `${what}: ${name}`).toBeDefined();
      },
      again: [0],
    },
    {
      name: 'undelete',
      env: {},
      args: ['undelete', DUE, '--pin'],
      rules: GRACE,
      prepare: () => prepare(GRACE),
      expectDone: (what) => {
        expect(entries(), what).toContain(DUE);
        expect(leftovers(), what).toEqual([]);
      },
      again: [0, 10],
    },
    {
      name: 'rotate',
      args: ['rotate', '--yes'],
      rules: ROTATE,
      env: times.env,
      prepare: prepareSlots,
      expectDone: (what) => {
        const slots = entries().filter((entry) => entry !== '.roots' && !STAYS.includes(entry));
        const taken = slots.map((entry) => [entry, readFileSync(join(at(entry), 'taken'), 'utf8')]);
        expect(Object.fromEntries(taken), what).toEqual({ today: 'now', '5daysago': '5', '5daysago_1': '5.1', '6daysago': '6' });
        for (const days of [7, 8, 9]) {
          const told = log().filter((line) => line.name === `${String(days)}daysago` && line.event === 'removed');
          expect(told.length, `${what}: ${String(days)}daysago is logged once`).toBe(1);
        }
      },
      again: [0],
    },
  ];

  async function expectFinished(scene: Scene, what: string): Promise<void> {
    expectWhole(what);
    const again = await roots([...scene.args, '--config', config(scene)], { env: scene.env });
    expect(scene.again, `${what}: ${again.stderr}${again.stdout}`).toContain(again.status);
    expectWhole(what);
    scene.expectDone(what);
    if (again.status === 0) expectLog(what);
  }

  function config({ rules }: Scene): string {
    const file = configs.get(rules) ?? small.config(rules);
    configs.set(rules, file);
    return file;
  }

  return {
    scratch: small.scratch,
    scenes: SCENES,
    config,
    expectFinished,
    close: () => {
      expect(traces(small.image.device, small.scratch)).toEqual(left);
      small.close();
    },
  };
}
