/** What must hold whatever else the machine is doing, because somebody could lose data, or their machine, where it does not. */
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { inOtherNamespace, ready, start, type Started } from '../backend-suite/processes.ts';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { tool } from '../support/scratch.ts';
import { digestsOf, errors, listed, ls, outcomes, pin, prune, reasonsOf } from './answers.ts';
import { closing, killing } from './closing.ts';
import type { Failure } from './contracts.ts';
import { roots } from './roots.ts';
import { GOES, GOES_TOO, KEEP_ONE, STAYS, smallBtrfs, smallDirectory } from './small-archives.ts';

const ANYBODY = 1000;

requires.root('programs of a user', () => {
  it('that they bind over ours in a namespace of their own are never started', async ({ skip }) => {
    const archive = closing(smallDirectory());
    // Others may pass, not look.
    chmodSync(archive.scratch, 0o711);
    const theirs = join(archive.scratch, 'theirs');
    const marker = join(theirs, 'marker');
    mkdirSync(join(theirs, 'jail'), { recursive: true });
    writeFileSync(join(theirs, 'cat'), `#!/bin/sh\nid -u >>${marker}\nexec /usr/bin/sed -n p "$@"\n`);
    for (const path of ['', 'jail', 'cat']) chownSync(join(theirs, path), ANYBODY, ANYBODY);
    chmodSync(join(theirs, 'cat'), 0o755);
    const asUser = ['--reuid', String(ANYBODY), '--regid', String(ANYBODY), '--clear-groups', '--'];
    const bind = `for each in $(which -a cat); do mount --bind ${theirs}/cat "$each"; done`;
    const script = `set -e; ${bind}; mount --rbind / ${theirs}/jail; cat /dev/null; echo ready; exec chroot ${theirs}/jail sleep 600`;
    const attacker = killing(start('setpriv', [...asUser, 'unshare', '--user', '--map-root-user', '--mount', '--', 'sh', '-c', script]));
    try {
      await ready(attacker);
    } catch {
      return skip(`needs a kernel on which users have namespaces: ${attacker.output()}`);
    }
    // They can start it themselves, and then they are nobody but themselves.
    expect(lstatSync(marker).uid).toBe(ANYBODY);
    rmSync(marker);
    await untilJailed(attacker);

    expect((await ls(archive.config())).status).toBe(0);
    const result = await prune(archive.config());
    expect(existsSync(marker) ? readFileSync(marker, 'utf8') : 'never started').toBe('never started');
    // Nor can they stop root from pruning.
    expect(result.status).toBe(0);
    expect(archive.names()).toEqual([STAYS]);
  });
});

async function untilJailed({ pid }: Started): Promise<void> {
  for (let tries = 0; readFileSync(`/proc/${String(pid)}/comm`, 'utf8') !== 'sleep\n'; tries += 1) {
    if (tries > 500) throw new Error('it is not in its jail');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

requires.btrfs('in a container, which sees no processes but its own', () => {
  it('nothing is removed, because it may be mounted outside', async () => {
    const archive = closing(smallBtrfs());
    const at = join(archive.scratch, 'at');
    mkdirSync(at);
    killing(await inOtherNamespace(`mount -t btrfs -o 'subvol=/old_roots/${GOES}' '${archive.image.device}' '${at}'`));
    const config = archive.config();
    const before = digestsOf(archive);
    const args = ['prune', '--yes', '--json', '--config', config];
    const inside = await roots(args, { within: ['unshare', '--pid', '--fork', '--mount-proc', '--'] });
    expect([inside.status, outcomes(inside)]).toEqual([3, { [GOES]: 'failed', [GOES_TOO]: 'failed' }]);
    expect(errors(inside)).toMatch(/^(.*it may be mounted: processes outside of this container cannot be seen.*\n?){2}$/);
    expect(digestsOf(archive)).toEqual(before);
    // Outside of it the mount is seen, and only it counts.
    const result = await roots(args);
    expect(reasonsOf(result, GOES)).toContain('mounted');
    expect(outcomes(result)).toEqual({ [GOES_TOO]: 'removed' });
    expect(archive.names()).toEqual([GOES, STAYS]);
  });
});

requires.btrfs('a filesystem that is mounted read-only', () => {
  it('stays so, whatever is asked for; what would have to write says why it does not', async () => {
    const archive = closing(smallBtrfs());
    const { device } = archive.image;
    for (const at of [archive.live, archive.top]) archive.image.unmount(at);
    archive.image.mount({ readOnly: true }, archive.top);
    symlinkSync(device, join(archive.scratch, 'disk'));
    const options = (): string[] =>
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(` btrfs ${device} `))
        .map((line) => `${line.split(' ')[5]?.split(',')[0] ?? ''} ${line.split(' ').at(-1)?.split(',')[0] ?? ''}`);
    expect(options()).toEqual(['ro ro']);
    const aliased = archive.config();
    writeFileSync(aliased, readFileSync(aliased, 'utf8').replace(device, join(archive.scratch, 'disk')));
    const unplaced = join(archive.scratch, 'unplaced.toml');
    writeFileSync(unplaced, `[targets.root]\nlive = "${archive.top}/root"\narchive = "${archive.archive}"\n${KEEP_ONE}\n`);
    for (const config of [archive.config(), aliased, unplaced]) {
      for (const args of [['ls'], ['prune', '--dry-run'], ['prune', '--at', '2046-01-01']]) {
        const result = await roots([...args, '--json', '--config', config]);
        expect([config, args, result.status]).toEqual([config, args, 0]);
        expect(options()).toEqual(['ro ro']);
      }
      for (const result of [await prune(config), await pin(config)]) {
        expect([result.status, (result.json as Failure).error.message]).toEqual([1, expect.stringContaining('mounted read-only')]);
        expect(options()).toEqual(['ro ro']);
      }
    }
    // Without a configuration it is looked at, and no more.
    expect(listed(await roots(['ls', '--json'], { onlyBtrfs: device }))).toEqual([GOES, GOES_TOO, STAYS]);
    expect(options()).toEqual(['ro ro']);
    expect(archive.names()).toEqual([GOES, GOES_TOO, STAYS]);
  });
});

requires.btrfs('a filesystem that can be written to, though not by the mounts that we see', () => {
  it('is pruned: all mounts are so in a hardened unit of systemd', async () => {
    const archive = closing(smallBtrfs());
    const within = [
      'unshare',
      '--mount',
      '--',
      'sh',
      '-c',
      `for at in '${archive.top}' '${archive.live}'; do mount -o remount,bind,ro "$at" || exit; done; exec "$@"`,
      'sh',
    ];
    const result = await roots(['prune', '--yes', '--json', '--config', archive.config()], { within });
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(archive.names()).toEqual([STAYS]);
  });
});

requires.btrfs('a filesystem on two disks that is mounted read-only', () => {
  it('stays so where the configuration names the disk that the mount table does not', async () => {
    const archive = closing(smallBtrfs());
    const second = makeBtrfsImage({ sizeMiB: 128, dir: archive.scratch });
    try {
      tool('btrfs', 'device', 'add', '-f', second.device, archive.top);
      for (const at of [archive.live, archive.top]) archive.image.unmount(at);
      archive.image.mount({ readOnly: true }, archive.top);
      const state = (): string | undefined =>
        readFileSync('/proc/self/mountinfo', 'utf8')
          .split('\n')
          .find((line) => line.includes(` ${archive.top} `))
          ?.replace(/.* - /, '')
          .replace(/,.*/, '');
      const before = state();
      expect(before).toMatch(/^btrfs \S+ ro$/);
      for (const device of [archive.image.device, second.device]) {
        const config = archive.config();
        writeFileSync(config, readFileSync(config, 'utf8').replace(archive.image.device, device));
        expect(listed(await ls(config))).toEqual([GOES, GOES_TOO, STAYS]);
        for (const result of [await prune(config), await pin(config)]) {
          expect([device, state()]).toEqual([device, before]);
          expect([result.status, (result.json as Failure).error.message]).toEqual([1, expect.stringContaining('mounted read-only')]);
        }
      }
    } finally {
      for (const at of [archive.live, archive.top]) archive.image.unmount(at);
      second.close();
    }
  });
});
