import { lstatSync, renameSync } from 'node:fs';
import { fromText, joinPath, parentOf, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/bcachefs/adapter.ts';
import { tool } from '../support/scratch.ts';
import { directoryArchive, unbound } from './directory-archive.ts';
import type { Applicability, Ground } from './ground.ts';

export const BCACHEFS: Applicability = {
  capabilities: CAPABILITIES,
  archive: 'directory',
  names: 'bytes',
  flags: true,
  readOnly: 'snapshot',
  keeps: false,
  heldOpen: 'nothing tells what is still in use',
  untrustedWay: 'nothing',
  stateIsSubvolume: false,
  alone: true,
};

/** `base`: where the top level is mounted, for writing, as everywhere: a second mount must be as the first is. */
export function bcachefsGround({ device, base, close }: { readonly device: string; readonly base: string; close(): void }): Ground {
  const relative = (path: string): BytePath => fromText(unbound(path).slice(base.length + 1));
  return {
    ...directoryArchive,
    name: 'bcachefs',
    base,
    makeTree: (path) => {
      const fresh = byText(path);
      subvolume('create', fresh);
      renameSync(fresh, toBytes(path));
    },
    makeReadOnly: (path) => {
      const source = byText(path);
      // A flag stops the rename, and is in the snapshot if it is there again.
      const flags = flagsOf(path);
      setFlags('-', flags, path);
      renameSync(toBytes(path), source);
      setFlags('+', flags, fromText(source));
      // Then the snapshot cannot be renamed either.
      const snapshot = flags === '' ? `${source}-snapshot` : toText(path);
      subvolume('snapshot', '-r', source, snapshot);
      if (flags === '') renameSync(snapshot, toBytes(path));
      setFlags('-', flags, fromText(source));
      subvolume('delete', source);
    },
    removeTree: (path) => {
      const name = byText(path);
      renameSync(toBytes(path), name);
      // It follows links.
      if (lstatSync(name).isDirectory()) {
        try {
          subvolume('delete', name);
          return;
        } catch {
          // A plain directory, or one that holds subvolumes.
        }
      }
      directoryArchive.removeTree(fromText(name));
    },
    location: ({ live, blank, archive }) => ({
      backend: 'bcachefs',
      device,
      live: relative(live),
      blank: relative(blank),
      archive: relative(archive),
    }),
    mountCommand: (path, at) => ['mount', '-t', 'bcachefs', '-o', `X-mount.subdir=${toText(relative(toText(path)))}`, device, at],
    keep: null,
    commit: () => void tool('sync', '-f', base),
    close,
  };
}

/** A path beside it that is text: the program panics for others (bcachefs-tools 1.13). */
function byText(path: BytePath): string {
  return toText(joinPath(parentOf(path), fromText('.suite')));
}

function subvolume(...args: readonly string[]): void {
  tool('bcachefs', 'subvolume', ...args);
}

/** Those of `i` and `a` that are set; the name may be any bytes. */
function flagsOf(path: BytePath): string {
  return directoryArchive
    .beyond([path])
    .map(({ flags }) => flags.replaceAll(/[^ia]/g, ''))
    .join('');
}

function setFlags(sign: '+' | '-', flags: string, path: BytePath): void {
  if (flags !== '') tool('chattr', `${sign}${flags}`, toText(path));
}
