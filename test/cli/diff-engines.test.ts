/** The engines of `roots diff`: which one it is, that they agree, and that nothing of them is left. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { buildFieldArchive, type FieldArchive } from '../fixtures/field-archive.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import type { Diff, Failure } from './contracts.ts';
import { roots, traces, writeConfig } from './roots.ts';

const [BEFORE, AFTER, STRANGE] = ['2021-05-05_05:05:05', '2021-06-06_06:06:06', '2021-07-07_07:07:07'];
/** More than are walked at once, and enough to be killed in the middle of. */
const FILES = 4000;
const ROUNDS = 40;

requires.btrfs('the engines of roots diff', () => {
  let field: FieldArchive;
  let config: string;
  let top: string;
  let mounts: string[];

  const old = (name: string, path = ''): string => join(top, 'old_roots', name, path);
  const left = (): string[] => readdirSync(join(top, 'old_roots', '.roots')).filter((name) => name.startsWith('diff'));
  const diff = async (...args: string[]): Promise<Diff> => {
    const { status, stderr, json } = await roots(['diff', '--all', '--json', '--config', config, ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return json as Diff;
  };

  beforeAll(async () => {
    field = await buildFieldArchive({ now: new Date() });
    config = writeConfig(field, '');
    top = field.image.mount({}, join(field.scratch, 'kept'));
    tool('btrfs', 'subvolume', 'snapshot', old(field.boots.at(-1)!.name), old(BEFORE));
    mkdirSync(old(BEFORE, 'many'));
    for (let number = 0; number < FILES; number += 1) writeFileSync(old(BEFORE, `many/${String(number)}`), String(number));
    tool('btrfs', 'subvolume', 'snapshot', old(BEFORE), old(AFTER));
    writeFileSync(old(AFTER, 'many/17'), 'another');
    renameSync(old(AFTER, 'many/18'), old(AFTER, 'eighteen'));
    rmSync(old(AFTER, 'many/19'));
    tool('btrfs', 'subvolume', 'create', old(AFTER, 'nested'));
    writeFileSync(old(AFTER, 'nested/inside'), '');
    tool('btrfs', 'subvolume', 'create', old(STRANGE));
    mounts = traces(field.device, field.scratch);
  });
  afterEach(() => {
    expect(left()).toEqual([]);
    expect(traces(field.device, field.scratch)).toEqual(mounts);
  });
  afterAll(() => field.close());

  it('find the same, nested subvolumes too, which no stream has', async () => {
    for (const args of [[BEFORE, AFTER], [AFTER, BEFORE], ['blank', AFTER], [AFTER], []]) {
      const walked = await diff(...args, '--engine', 'walk');
      const sent = await diff(...args, '--engine', 'btrfs-send');
      expect([walked.engine, sent.engine]).toEqual(['walk', 'btrfs-send']);
      expect(sent.changes).toEqual(walked.changes);
    }
    const { changes } = await diff(BEFORE, AFTER, '--engine', 'btrfs-send');
    expect(changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'renamed eighteen',
      'modified many/17',
      'removed many/19',
      'added nested',
      'added nested/inside',
    ]);
    const within = await diff(BEFORE, AFTER, '--engine', 'btrfs-send', '--', '/many/17');
    expect(within.changes.map(({ path }) => path)).toEqual(['many/17']);
  });

  it('are chosen by what is the fastest, and `-v` says why', async () => {
    expect((await diff(BEFORE, AFTER)).engine).toBe('btrfs-send');
    expect((await diff()).engine).toBe('walk');
    const verbose = async (...args: string[]): Promise<string> => (await roots(['diff', '-v', '--config', config, ...args])).stderr;
    expect(await verbose(BEFORE, AFTER)).toBe('engine: btrfs-send, as the first tree is large, and the filesystem knows what differs\n');
    expect(await verbose()).toBe('engine: walk, as the first tree has few entries\n');
    expect(await verbose(BEFORE, STRANGE)).toMatch(/^engine: walk, as neither is a snapshot of the other/);
  });

  it('walk where the blank is a plain directory, of which btrfs tells nothing', async () => {
    mkdirSync(join(top, 'plain-blank'));
    for (let number = 0; number < FILES; number += 1) writeFileSync(join(top, 'plain-blank', String(number)), '');
    const plain = join(field.scratch, 'plain.toml');
    writeFileSync(plain, `[targets.root]\ndevice = "${field.device}"\nlive = "root"\nblank = "plain-blank"\narchive = "old_roots"\n`);
    const { status, json } = await roots(['diff', BEFORE, '--json', '--config', plain]);
    expect([status, (json as Diff).engine]).toEqual([0, 'walk']);
  });

  it('are refused where they cannot tell, and nothing else takes their place', async () => {
    for (const [args, message] of [
      [[BEFORE, STRANGE, '--engine', 'btrfs-send'], 'neither is a snapshot of the other'],
      [[BEFORE, AFTER, '--engine', 'zfs-diff'], 'they are on btrfs'],
    ] as const) {
      const { status, json } = await roots(['diff', '--json', '--config', config, ...args]);
      expect(status).toBe(12);
      expect((json as Failure).error.message).toContain(message);
    }
  });

  it(`leave no snapshot when they are killed at ${String(ROUNDS)} moments, once another has run`, { timeout: 300_000 }, async () => {
    let killed = 0;
    let found = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const run = await roots(['diff', '--json', '--config', config, AFTER, 'live', '--engine', 'btrfs-send'], {
        onStart: (child) => {
          void sleep(60 + Math.random() * 340).then(() => child.kill('SIGKILL'));
        },
      });
      if (run.signal !== null) killed += 1;
      if (left().length > 0) found += 1;
      // Whichever engine that takes.
      expect((await diff(BEFORE, AFTER, ...(round % 2 === 0 ? ['--engine', 'walk'] : []))).changes).toHaveLength(5);
      expect(left(), `round ${String(round)}`).toEqual([]);
    }
    console.log(`killed: ${String(killed)} of ${String(ROUNDS)} runs; snapshots were left by ${String(found)}`);
    expect(found).toBeGreaterThan(0);
  });
});
