/** `roots prune` that is stopped, killed, or not alone: what is left is whole, and the log says what became of all. */
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ready, start } from '../backend-suite/processes.ts';
import { missing, requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digestsOf, eventsOf, logOf, outcomes, pin, prune, purged, removals, targetOf } from './answers.ts';
import { closers, closing, gate, killing } from './closing.ts';
import type { Failure } from './contracts.ts';
import { roots, startRoots, type Result } from './roots.ts';
import { GOES, GOES_TOO, KINDS, STAYS, smallBtrfs, smallDirectory, type Kind, type SmallArchive } from './small-archives.ts';

/** In the trash, and due: there is no grace. */
const DUE = '2020-01-03_00:00:00';
const DUE_ENTRY = `.roots-trash.20210101T000000Z.${DUE}`;

/** With one in the trash, so that there are several steps wherever all goes at once. */
function withTrash(make: Kind[1]): SmallArchive {
  const archive = closing(make());
  archive.add(DUE);
  renameSync(join(archive.archive, DUE), join(archive.archive, DUE_ENTRY));
  return archive;
}

const CUT_SHORT = 'the run that began this was cut short';

describe.each(KINDS)('a prune of %s that is stopped in the middle of a step', (kind, make, [program, calls]) => {
  /** Of btrfs both go in one step. */
  const gone = kind === 'btrfs' ? [GOES, GOES_TOO] : [GOES];
  const notTried = [GOES_TOO, DUE].filter((name) => !gone.some((each) => each === name));
  const started = async ({ group = false, json = true }: { readonly group?: boolean; readonly json?: boolean } = {}) => {
    const archive = withTrash(make);
    const config = archive.config();
    const held = gate(archive, program, calls);
    const { child, end } = startRoots(['prune', '--yes', ...(json ? ['--json'] : []), '--config', config], {
      env: held.env,
      ...(group ? { within: ['setsid'] } : {}),
    });
    await held.reached();
    return { archive, config, child, end, open: held.open };
  };
  const finishedOnlyThat = (result: Result, archive: SmallArchive): void => {
    expect(result.status).toBe(130);
    expect(removals(result).map(({ name, result: what, notes }) => [name, what, notes])).toEqual(
      [GOES, GOES_TOO].map((name) => (gone.some((each) => each === name) ? [name, 'removed', []] : [name, undefined, undefined])),
    );
    expect(purged(result)).toEqual({ [DUE]: undefined });
    leftAsItSays(archive);
  };
  const leftAsItSays = (archive: SmallArchive): void => {
    expect(archive.names()).toEqual([DUE_ENTRY, ...(kind === 'btrfs' ? [] : [GOES_TOO]), STAYS]);
    expect(eventsOf(logOf(archive))).toEqual([
      ...gone.map((name) => `removing ${name}`),
      ...gone.map((name) => `removed ${name}`),
      `prune ${gone.length} 0 0`,
    ]);
  };

  it('by the signals that end a whole service keeps its lock until the step is over', async () => {
    const { archive, config, child, end, open } = await started();
    const keepers = keepersOf(child.pid ?? 0);
    expect(keepers.length).toBeGreaterThan(0);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) for (const keeper of keepers) process.kill(keeper, signal);
    child.kill('SIGTERM');
    const other = await prune(config);
    expect([other.status, (other.json as Failure).error.kind]).toEqual([11, 'locked']);
    expect(keepersOf(child.pid ?? 0)).toEqual(keepers);
    open();
    finishedOnlyThat(await end, archive);
  });

  it('by Ctrl-C, which the whole group gets, finishes the step, begins no other and says nothing that is not so', async () => {
    const { archive, child, end, open } = await started({ group: true });
    process.kill(-(child.pid ?? 0), 'SIGINT');
    open();
    finishedOnlyThat(await end, archive);
  });

  it('says to people what it has done, and how many it did not try', async () => {
    const { archive, child, end, open } = await started({ json: false });
    child.kill('SIGTERM');
    open();
    const { status, stdout } = await end;
    expect(status).toBe(130);
    expect([...stdout.matchAll(/^removed {2}root:(\S+)/gm)].map(([, name]) => name)).toEqual(gone);
    expect(stdout).toMatch(new RegExp(`^${gone.length} old roots? removed, ${notTried.length} not tried\\.$`, 'm'));
    leftAsItSays(archive);
  });

  it('and killed by the signal that nobody can refuse leaves no lock; the next prune finishes it, and the log says so', async () => {
    const { archive, config, child, end, open } = await started();
    child.kill('SIGKILL');
    await until(async () => (await lockHolder(archive)) === null);
    const next = await prune(config);
    open();
    expect((await end).signal).toBe('SIGKILL');
    expect(next.status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
    const { leftovers } = targetOf(next);
    expect(leftovers).toEqual(gone.map((name) => ({ name, result: 'removed', error: null })));
    const log = logOf(archive);
    for (const name of [GOES, GOES_TOO, DUE])
      expect([name, log.filter((line) => line.event === 'removed' && 'name' in line && line.name === name)]).toMatchObject([
        name,
        [gone.some((each) => each === name) ? { notes: [CUT_SHORT] } : {}],
      ]);
    expect(log.filter(({ event }) => event === 'prune')).toHaveLength(1);
  });
});

describe.each(KINDS)('two prunes of %s at once', (_, make, [program, calls]) => {
  it('one works; the other ends with 11, names the process of the first and changes nothing', async () => {
    const archive = closing(make());
    const config = archive.config();
    const { env, reached, open } = gate(archive, program, calls);
    const first = startRoots(['prune', '--yes', '--json', '--config', config], { env });
    await reached();
    const before = digestsOf(archive);
    const holder = `(process ${String(first.child.pid)})`;
    for (const result of [await prune(config), await pin(config, STAYS)]) {
      expect(result.status).toBe(11);
      expect((result.json as Failure).error).toMatchObject({ kind: 'locked', message: expect.stringContaining(holder) as string });
    }
    const said = await roots(['prune', '--yes', '--config', config]);
    expect(said.status).toBe(11);
    expect(said.stderr.replaceAll(/\s+/g, ' ')).toContain(holder);
    // Reading is free.
    for (const args of [['ls'], ['prune', '--dry-run'], ['prune', '--simulate', '3d']])
      expect([args, (await roots([...args, '--config', config])).status]).toEqual([args, 0]);
    expect(digestsOf(archive)).toEqual(before);
    open();
    const result = await first.end;
    expect([result.status, outcomes(result)]).toEqual([0, { [GOES]: 'removed', [GOES_TOO]: 'removed' }]);
    expect(eventsOf(logOf(archive)).at(-1)).toBe('prune 2 0 0');
    expect(logOf(archive)).toHaveLength(5);
  });

  it('a lock that somebody else holds is respected, and gone when they are', async () => {
    const archive = closing(make());
    const config = archive.config();
    const before = digestsOf(archive);
    const holder = killing(start('flock', ['--exclusive', '--no-fork', archive.archive, 'sh', '-c', 'echo ready; exec cat']));
    await ready(holder);
    const result = await prune(config);
    expect([result.status, (result.json as Failure).error.message]).toEqual([11, expect.stringContaining(`process ${process.pid}`)]);
    expect(digestsOf(archive)).toEqual(before);
    await holder.kill();
    expect((await prune(config)).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });
});

requires.root('what is mounted while prune is at work', () => {
  it('on directories stays, and the others go', async () => {
    const archive = closing(smallDirectory());
    const { env, reached, open } = gate(archive, 'rm', '*/.roots-deleting.*');
    const { end } = startRoots(['prune', '--yes', '--json', '--config', archive.config()], { env });
    await reached();
    const at = join(archive.archive, GOES_TOO, 'var');
    tool('mount', '--bind', join(archive.archive, GOES_TOO, 'home'), at);
    closers.push(() => tool('umount', at));
    open();
    const result = await end;
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'removed', [GOES_TOO]: 'failed' }]);
    // Before each step is asked what goes now.
    expect(removals(result)[1]?.error).toContain('the archive has changed since the plan');
    expect(archive.names()).toEqual([GOES_TOO, STAYS]);
  });

  it.skipIf(missing('btrfs'))('on btrfs stays, and the others go', { meta: { needs: String(missing('btrfs')) } }, async () => {
    const archive = closing(smallBtrfs());
    // The first that it writes is the log, and that before anything goes.
    const { env, reached, open } = gate(archive, 'nsenter', '*"subvolume create"*');
    const { end } = startRoots(['prune', '--yes', '--json', '--config', archive.config()], { env });
    await reached();
    archive.image.mount({ subvolume: `old_roots/${GOES}` }, join(archive.scratch, 'at'));
    open();
    const result = await end;
    expect([result.status, outcomes(result)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'removed' }]);
    expect(removals(result)[0]?.error).toContain(`mounted at ${join(archive.scratch, 'at')}`);
    expect(archive.names()).toEqual([GOES, STAYS]);
  });
});

requires.btrfs('more old roots on btrfs than go at once', () => {
  it('go in several steps; a stop comes between two of them, and the rest is not tried', async () => {
    const archive = closing(smallBtrfs());
    const names = Array.from({ length: 230 }, (_, at) => `2019-01-01_00:${two(at / 60)}:${two(at % 60)}`);
    tool('sh', '-c', 'cd "$1" && shift && for name; do btrfs -q subvolume create "$name" || exit; done', 'sh', archive.archive, ...names);
    const { env, reached, open } = gate(archive, 'nsenter', '*"subvolume delete"*');
    const { child, end } = startRoots(['prune', '--yes', '--json', '--config', archive.config()], { env });
    await reached();
    child.kill('SIGTERM');
    open();
    const result = await end;
    expect(result.status).toBe(130);
    const told = Object.entries(outcomes(result));
    const [done, rest] = [told.slice(0, 200), told.slice(200)];
    expect(done.map(([name, what]) => [name, what])).toEqual(names.slice(0, 200).map((name) => [name, 'removed']));
    expect(rest.map(([name, what]) => [name, what])).toEqual([...names.slice(200), GOES, GOES_TOO].map((name) => [name, undefined]));
    expect(archive.names()).toEqual([...names.slice(200), GOES, GOES_TOO, STAYS]);
    expect(eventsOf(logOf(archive)).at(-1)).toBe('prune 200 0 0');
    expect((await prune(archive.config())).status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });
});

describe('a prune of directories', () => {
  it('killed at any moment leaves every old root whole or gone, and the next one finishes', async () => {
    const archive = closing(smallDirectory());
    const config = archive.config();
    const names = Array.from({ length: 12 }, (_, at) => `2019-01-01_00:00:${two(at)}`);
    let partly = 0;
    for (let round = 0; round < 8; round += 1) {
      for (const name of names) {
        archive.add(name);
        mkdirSync(join(archive.archive, name, 'home/alice/a/b'), { recursive: true });
        for (let number = 0; number < 5; number += 1) writeFileSync(join(archive.archive, name, 'home/alice/a/b', String(number)), name);
      }
      const before = digestsOf(archive);
      const { child, end } = startRoots(['prune', '--yes', '--config', config]);
      // From the moment on at which it begins to work.
      await until(() => archive.names().some(isOnItsWay) || child.exitCode !== null);
      await sleep(Math.random() * 100);
      child.kill('SIGKILL');
      await end;
      const listed = archive.names().filter((name) => !isOnItsWay(name));
      const after = digestsOf({ archive: archive.archive, names: () => listed });
      for (const [name, digest] of Object.entries(after)) expect([name, digest]).toEqual([name, before[name]]);
      const left = names.filter((name) => name in after).length;
      if (left > 0 && left < names.length) partly += 1;
      expect((await prune(config)).status).toBe(0);
      expect(archive.names()).toEqual([STAYS]);
    }
    expect(partly).toBeGreaterThan(0);
  });
});

/** What has left the archive already. */
function isOnItsWay(entry: string): boolean {
  return /^\.roots-(?:removing|deleting)\./.test(entry);
}

function two(number: number): string {
  return String(Math.floor(number)).padStart(2, '0');
}

/** The processes that hold something for another: they wait in cat(1). */
function keepersOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        return status.startsWith('Name:\tcat\n') && status.includes(`\nPPid:\t${String(parent)}\n`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** What the program says of who holds the lock; null if nobody does. */
async function lockHolder(archive: SmallArchive): Promise<string | null> {
  const result = await pin(archive.config(), 'nothing-of-that-name');
  return result.status === 11 ? (result.json as Failure).error.message : null;
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries += 1) {
    if (tries > 1000) throw new Error('waited in vain');
    await sleep(10);
  }
}
