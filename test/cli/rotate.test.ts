/** `roots rotate` as it is on one day: what it takes, and what it refuses. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { lastLoggedRuns } from '../../src/operations/logged-runs.ts';
import { run } from '../../src/system/run.ts';
import { ready, start } from '../backend-suite/processes.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digest, digestsOf, eventsOf, listed, logOf, ls } from './answers.ts';
import { closing, killing } from './closing.ts';
import type { Failure, List, Rotation, Rotations } from './contracts.ts';
import { standIn } from './gate.ts';
import { roots, type Result } from './roots.ts';
import { FILE, GOES, GOES_TOO, KEEP_ONE, STAYS, smallBtrfs, smallDirectory } from './small-archives.ts';

const ROTATE = 'rotate = { slots = 3 }';
const OLD = [GOES, GOES_TOO, STAYS];

const rotate = (config: string, ...args: string[]): Promise<Result> => roots(['rotate', '--yes', '--json', '--config', config, ...args]);
/** What `roots timer status` has from the archives: the command itself needs a running systemd. */
const loggedRuns = async (file: string): ReturnType<typeof lastLoggedRuns> =>
  lastLoggedRuns({
    run,
    signal: new AbortController().signal,
    now: new Date(),
    config: await parseConfig(readFileSync(file, 'utf8'), file),
    privileged: true,
  });
const rotationOf = (result: Result): Rotation => (result.json as Rotations).targets[0]!;

requires.btrfs('roots rotate', () => {
  it('takes a read-only snapshot of the live root, one a day; ls and restore know it', async () => {
    const archive = closing(smallBtrfs());
    const config = archive.config(ROTATE);
    const live = digest(archive.live);
    const result = await rotate(config);
    expect(result.status).toBe(0);
    expect(rotationOf(result)).toMatchObject({
      target: 'root',
      slots: 3,
      take: 'today',
      taken: 'today',
      rename: [],
      remove: [],
      stopped: null,
    });
    expect(archive.names()).toEqual([...OLD, 'today']);
    const today = join(archive.archive, 'today');
    expect(tool('btrfs', 'property', 'get', '-ts', today, 'ro').trim()).toBe('ro=true');
    expect(digest(today)).toBe(live);
    expect(eventsOf(logOf(archive))).toEqual(['rotate 0 0 0']);

    writeFileSync(join(archive.live, FILE), 'later\n');
    const again = await rotate(config);
    expect([again.status, rotationOf(again).taken, archive.names()]).toEqual([0, null, [...OLD, 'today']]);
    expect(digest(today)).toBe(live);
    const { stdout } = await roots(['rotate', '--yes', '--config', config]);
    expect(stdout).toContain('today has its snapshot, and each has its name: nothing to do');
    // Each run is told of, so that it can be seen when the last one was.
    expect(eventsOf(logOf(archive))).toEqual(['rotate 0 0 0', 'rotate 0 0 0', 'rotate 0 0 0']);

    const list = await ls(config);
    expect(listed(list)).toEqual([...OLD, 'today']);
    const shown = (list.json as List).roots.find(({ name }) => name === 'today');
    expect([shown?.archivedAtSource, Math.abs(shown?.ageSeconds ?? Number.NaN) < 600]).toEqual(['creation', true]);
    expect((await roots(['restore', join(archive.live, FILE), '--from', 'today', '--overwrite', '--yes', '--config', config])).status).toBe(
      0,
    );
    expect(readFileSync(join(archive.live, FILE), 'utf8')).toBe('notes of now\n');
  });

  it('shows its plan with --dry-run, and changes nothing', async () => {
    const archive = closing(smallBtrfs());
    const { status, stdout } = await roots(['rotate', '--dry-run', '--config', archive.config(ROTATE)]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^take +today +a read-only snapshot of the live root$/m)]);
    expect(stdout).toContain('Nothing was changed.');
    const plan = await roots(['rotate', '--dry-run', '--json', '--config', archive.config(ROTATE)]);
    expect(rotationOf(plan)).toEqual({ target: 'root', slots: 3, rename: [], take: 'today', remove: [], keep: [], warnings: [] });
    expect([archive.names(), logOf(archive)]).toEqual([OLD, []]);
  });

  it('wants to be configured, or --slots; of several targets that is for one', async () => {
    const archive = closing(smallBtrfs());
    const without = await rotate(archive.config());
    expect([without.status, (without.json as Failure).error]).toEqual([
      2,
      expect.objectContaining({ kind: 'usage', hint: expect.stringContaining('--slots') as string }),
    ]);
    const other = closing(smallDirectory());
    const several = archive.config(KEEP_ONE, `[targets.other]\n${other.place}`);
    const absent = archive.config(KEEP_ONE, `[targets.other]\nbackend = "directory"\narchive = "${archive.scratch}/absent"`);
    for (const config of [several, absent]) {
      const result = await rotate(config, '--slots', '2');
      expect([result.status, (result.json as Failure).error.message]).toEqual([2, '--slots is for one target']);
    }
    for (const slots of ['0', '-1', '1001', 'two'])
      expect([slots, (await rotate(several, 'root', '--slots', slots)).status]).toEqual([slots, 2]);
    expect(archive.names()).toEqual(OLD);
    expect((await rotate(several, 'root', '--slots', '2')).status).toBe(0);
    expect(archive.names()).toEqual([...OLD, 'today']);
  });

  it('says which nested subvolumes the snapshot does not hold', async () => {
    const archive = closing(smallBtrfs());
    archive.create('root/var/machines');
    const result = await rotate(archive.config(ROTATE));
    expect([result.status, rotationOf(result).warnings]).toEqual([0, ['nested subvolumes are not in the snapshot: var/machines']]);
    expect(readFileSync(join(archive.archive, 'today', FILE), 'utf8')).toBe('notes of now\n');
  });

  it('leaves what has the name of a slot and is none', async () => {
    const archive = closing(smallBtrfs());
    mkdirSync(join(archive.archive, 'today'));
    writeFileSync(join(archive.archive, 'yesterday'), 'mine\n');
    const result = await rotate(archive.config(ROTATE));
    expect([result.status, rotationOf(result).taken]).toEqual([0, 'today_1']);
    expect(archive.names()).toEqual([...OLD, 'today', 'today_1', 'yesterday']);
    expect(readFileSync(join(archive.archive, 'yesterday'), 'utf8')).toBe('mine\n');
    expect(existsSync(join(archive.archive, 'today/root'))).toBe(false);
  });

  it('leaves what only begins like a name of ours, and never shows it raw', async () => {
    const archive = closing(smallBtrfs());
    const name = '.roots-rotating.\u001b]0;x\u0007';
    tool('btrfs', 'subvolume', 'snapshot', '-r', join(archive.top, 'root'), join(archive.archive, name));
    const uuid = tool('btrfs', 'subvolume', 'show', join(archive.archive, name))
      .split('\n')
      .find((line) => line.startsWith('\tUUID:'));
    const config = archive.config(`${ROTATE}\n${KEEP_ONE}`);
    for (const args of [['rotate', '--dry-run'], ['rotate', '--yes'], ['ls'], ['prune', '--dry-run'], ['prune', '--yes'], ['ls']]) {
      const { status, stdout, stderr } = await roots([...args, '--config', config]);
      expect([args, status, stderr]).toEqual([args, 0, '']);
      expect([args, stdout]).toEqual([args, expect.not.stringMatching(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)]);
      if (args[0] !== 'rotate') expect([args, stdout]).toEqual([args, expect.stringContaining(String.raw`.roots-rotating.\e]0;x\x07`)]);
    }
    expect(archive.names()).toEqual([name, STAYS, 'today']);
    expect(tool('btrfs', 'subvolume', 'show', join(archive.archive, name))).toContain(uuid);
  });

  it('that cannot take its snapshot says why, and that is in the log, where the status of the timer finds it', async () => {
    const archive = closing(smallBtrfs());
    const failing = 'case "$*" in *"subvolume snapshot"*) echo "ERROR: cannot snapshot: No space left on device" >&2; exit 1 ;; esac';
    const env = { PATH: standIn(join(archive.scratch, 'bin'), 'nsenter', `${failing}\nexec "$real" "$@"`) };
    const config = archive.config(ROTATE);
    const result = await roots(['rotate', '--yes', '--json', '--config', config], { env });
    const why = expect.stringContaining('No space left on device') as string;
    expect([result.status, (result.json as Failure).error.message]).toEqual([1, why]);
    expect(archive.names()).toEqual(OLD);
    expect(logOf(archive)).toEqual([expect.objectContaining({ event: 'rotate', removed: 0, error: why })]);
    expect(await loggedRuns(config)).toEqual({
      logged: [expect.objectContaining({ target: 'root', command: 'rotate', error: why })],
      notRead: [],
    });

    expect((await rotate(config)).status).toBe(0);
    expect(await loggedRuns(config)).toMatchObject({ logged: [{ command: 'rotate', error: null }] });
  });

  it('is alone at its work: 11 while somebody else has the archive', async () => {
    const archive = closing(smallBtrfs());
    const holder = killing(start('flock', ['--exclusive', '--no-fork', archive.archive, 'sh', '-c', 'echo ready; exec cat']));
    await ready(holder);
    const before = digestsOf(archive);
    const result = await rotate(archive.config(ROTATE));
    expect([result.status, (result.json as Failure).error.message]).toEqual([11, expect.stringContaining(`process ${process.pid}`)]);
    expect(digestsOf(archive)).toEqual(before);
  });
});

describe('roots rotate where there are no snapshots', () => {
  it('ends with 12, and says what it needs', async () => {
    const archive = closing(smallDirectory());
    const result = await rotate(archive.config(), '--slots', '3');
    expect([result.status, (result.json as Failure).error]).toEqual([
      12,
      expect.objectContaining({ kind: 'unsupported', hint: expect.stringContaining('btrfs') as string }),
    ]);
    expect(archive.names()).toEqual(OLD);
  });
});
