import { spawnSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { fromText, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/btrfs/adapter.ts';
import { tool } from '../support/scratch.ts';
import { directoryArchive, unbound } from './directory-archive.ts';
import type { Applicability, Ground } from './ground.ts';

export const BTRFS: Applicability = {
  capabilities: CAPABILITIES,
  archive: 'directory',
  names: 'bytes',
  flags: true,
  readOnly: 'property',
  keeps: true,
  heldOpen: true,
  untrustedWay: 'by number',
  stateIsSubvolume: true,
  alone: true,
};

/** `base`: where the top level is mounted. */
export function btrfsGround({ device, base, close }: { readonly device: string; readonly base: string; close(): void }): Ground {
  const within = (path: string): BytePath => fromText(unbound(path).slice(base.length + 1));
  return {
    ...directoryArchive,
    name: 'btrfs',
    base,
    makeTree: (path) => btrfs('subvolume', 'create', path),
    removeTree: (path) => {
      if (!deleted(path)) directoryArchive.removeTree(path);
    },
    makeReadOnly: (path) => btrfs('property', 'set', '-ts', path, 'ro', 'true'),
    location: ({ live, blank, archive }) => ({
      backend: 'btrfs',
      device,
      live: within(live),
      blank: within(blank),
      archive: within(archive),
    }),
    mountCommand: (path, at) => ['mount', '-o', `subvol=${toText(path).slice(base.length)}`, device, at],
    // The kernel keeps the default subvolume.
    keep: (path) => {
      btrfs('subvolume', 'set-default', path);
      return () => void tool('btrfs', 'subvolume', 'set-default', '5', base);
    },
    commit: () => void tool('btrfs', 'filesystem', 'sync', base),
    close,
  };
}

/** False of what is no subvolume, or holds some. */
function deleted(path: BytePath): boolean {
  if (!lstatSync(toBytes(path)).isDirectory()) return false;
  try {
    btrfs('subvolume', 'delete', path);
    return true;
  } catch {
    return false;
  }
}

/** Arguments are bytes only through xargs. */
function btrfs(...args: readonly (string | BytePath)[]): void {
  const input = Buffer.concat(args.flatMap((each) => [toBytes(each as BytePath), Buffer.from([0])]));
  const result = spawnSync('xargs', ['-0', 'btrfs'], { input });
  if (result.status !== 0) throw new Error(result.stderr.toString());
}
