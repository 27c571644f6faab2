/** What must hold below the commands, where somebody could become root or take what is not theirs if it did not. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromText } from '../../src/byte-path.ts';
import { RootsError, errnoOf } from '../../src/errors.ts';
import { HOLD, startKeeper } from '../../src/system/keeper.ts';
import { readAllMountTables } from '../../src/system/mounts.ts';
import { recreateMissingParents } from '../../src/system/recreate-parents.ts';
import { run } from '../../src/system/run.ts';
import { mountTmpfs } from '../support/loop-image.ts';
import { missing, requires } from '../support/requirements.ts';
import { makeScratch, tool, type Scratch } from '../support/scratch.ts';
import { ready, start, type Started } from './processes.ts';
import { counting } from './scene.ts';

const [ANYBODY, NOBODY] = [1000, 65534];

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(() => scratch.remove());

requires.root('the mount tables of all namespaces', () => {
  it('are read without starting anything in a namespace that a process has made for itself', async () => {
    const theirs = join(scratch.path, 'theirs');
    mkdirSync(join(theirs, 'jail'), { recursive: true });
    writeFileSync(join(theirs, 'cat'), `#!/bin/sh\nid >>${theirs}/marker\n`, { mode: 0o755 });
    // Not even for root's own, as containers are: what is in them was chosen by somebody.
    const script = `set -e; mount --bind ${theirs}/cat "$(command -v cat)"; mount --rbind / ${theirs}/jail; echo ready; exec chroot ${theirs}/jail sleep 600`;
    const container = await ready(start('unshare', ['--mount', '--', 'sh', '-c', script]));
    try {
      await sleeping(container);
      const { run, calls } = counting();
      const { incomplete } = await readAllMountTables(run);
      expect(calls.filter((call) => !call.startsWith('setpriv --no-new-privs '))).toEqual([]);
      expect(existsSync(join(theirs, 'marker'))).toBe(false);
      expect(incomplete).toContain(`process ${String(container.pid)} has its root inside of its mount namespace`);
    } finally {
      await container.kill();
    }
  });

  it('that a mount keeps are read by nobody, who can become nobody else', async () => {
    chmodSync(scratch.path, 0o711);
    const kept = mountTmpfs(join(scratch.path, 'kept'));
    try {
      tool('mount', '--make-private', kept.path);
      const [told, stand, file] = ['told', 'cat', 'namespace'].map((name) => join(kept.path, name)) as [string, string, string];
      writeFileSync(stand, `#!/bin/sh\n{ id -u; id -G; grep -E '^(Cap(Prm|Eff|Inh|Amb)|NoNewPrivs)' /proc/self/status; } >${told}\n`, {
        mode: 0o755,
      });
      writeFileSync(told, '');
      chownSync(told, NOBODY, NOBODY);
      writeFileSync(file, '');
      tool('unshare', `--mount=${file}`, 'sh', '-c', `mount --bind ${stand} "$(command -v cat)"`);
      await readAllMountTables(counting().run);
      const [uid, groups, ...status] = readFileSync(told, 'utf8').trim().split('\n');
      expect([uid, groups]).toEqual([String(NOBODY), String(NOBODY)]);
      expect(status.map((line) => line.split('\t'))).toEqual([
        ...['CapInh:', 'CapPrm:', 'CapEff:', 'CapAmb:'].map((name) => [name, '0'.repeat(16)]),
        ['NoNewPrivs:', '1'],
      ]);
      tool('umount', file);
    } finally {
      kept.close();
    }
  });
});

async function sleeping({ pid }: Started): Promise<void> {
  for (let tries = 0; readFileSync(`/proc/${String(pid)}/comm`, 'utf8') !== 'sleep\n'; tries += 1) {
    if (tries > 500) throw new Error('it does not sleep');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a keeper', () => {
  it('outlives the signals that end a service or a session, and goes when it is closed', async () => {
    const keeper = await startKeeper('sh', ['-c', HOLD], ({ stderr }) => new RootsError('failed', stderr));
    const ignored = /^SigIgn:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${String(keeper.pid)}/status`, 'utf8'))?.[1];
    for (const signal of [1, 2, 15]) {
      process.kill(keeper.pid, signal);
      expect([signal, (BigInt(`0x${ignored ?? '0'}`) >> BigInt(signal - 1)) & 1n]).toEqual([signal, 1n]);
    }
    spawnSync('sleep', ['0.1']);
    expect(readFileSync(`/proc/${String(keeper.pid)}/status`, 'utf8')).toMatch(/^State:\t[^ZX]/m);
    await keeper.close();
    expect(existsSync(`/proc/${String(keeper.pid)}`)).toBe(false);
  });

  it('is none where what it should hold is not to be had', async () => {
    const refused = ({ status }: { readonly status: number }): RootsError => new RootsError('locked', String(status));
    await expect(startKeeper('sh', ['-c', `false && ${HOLD}`], refused)).rejects.toThrow('1');
  });
});

/** Puts its own directory in the place of a new one as fast as it can, with the one call that this takes: onto an empty directory a rename goes. */
const SWAPPER = `
const { lstatSync, readdirSync, renameSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const [directory, prefix, own] = process.argv.slice(1);
writeSync(1, 'ready\\n');
for (;;) {
  if (lstatSync(own, { throwIfNoEntry: false }) === undefined) continue;
  const fresh = readdirSync(directory).find((name) => name.startsWith(prefix));
  try { if (fresh !== undefined) renameSync(own, join(directory, fresh)); } catch {}
}`;

describe('a directory that is swapped in while missing parents are made', () => {
  const secrets: readonly (readonly [what: string, where: string, prefix: string, mode: number, full: boolean])[] = [
    ['with something in it', 'where one is to be', 'alice', 0o700, true],
    ['that others may look into', 'where one is to be', 'alice', 0o755, false],
    ['with something in it', 'where one is being made', '.roots-restore-', 0o700, true],
  ];
  it.each(secrets)('%s, %s, keeps its owner and its mode', async (_what, _where, prefix, mode, full) => {
    const [root, theirs] = [join(scratch.path, 'root'), join(scratch.path, 'theirs')];
    const [fresh, own, parked] = ['alice', 'own', 'parked'].map((name) => join(theirs, name)) as [string, string, string];
    for (const path of [root, theirs, join(root, 'alice')]) mkdirSync(path);
    chmodSync(join(root, 'alice'), 0o2775);
    if (missing('root') === false) for (const path of [join(root, 'alice'), theirs]) chownSync(path, ANYBODY, ANYBODY);
    const park = (): Stats => {
      mkdirSync(parked);
      if (full) writeFileSync(join(parked, 'secret'), '');
      chmodSync(parked, mode);
      return lstatSync(parked);
    };
    let { ino, uid } = park();
    const swapper = await ready(start(process.execPath, ['-e', SWAPPER, theirs, prefix, own]));
    let swapped = 0;
    try {
      const end = Date.now() + 20_000;
      while (swapped < 50 && Date.now() < end) {
        renameSync(parked, own);
        try {
          await recreateMissingParents(run, fromText(root), fromText('alice/file'), fromText(join(fresh, 'file')));
        } catch (error) {
          expect(String(error)).toMatch(/exchanged by somebody else|appeared meanwhile|ENOENT/);
        }
        // Whether it was swapped in or not: from here on nobody else moves it.
        if (!moved(own, parked)) {
          swapped += 1;
          const where = readdirSync(theirs).find((name) => lstatSync(join(theirs, name)).ino === ino);
          // Where it had the name of what is cleaned up, and nothing in it, it went with that.
          if (where === undefined) {
            expect(full).toBe(false);
            ({ ino, uid } = park());
          } else renameSync(join(theirs, where), parked);
        }
        for (const name of readdirSync(theirs)) if (name !== 'parked') rmSync(join(theirs, name), { recursive: true, force: true });
        const now = lstatSync(parked);
        expect([now.ino, now.uid, now.mode & 0o7777]).toEqual([ino, uid, mode]);
      }
    } finally {
      await swapper.kill();
    }
    // Else nothing was proven.
    expect(swapped).toBeGreaterThan(0);
    expect(readdirSync(parked)).toEqual(full ? ['secret'] : []);
  });
});

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
