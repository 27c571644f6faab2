import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseName, fromText, parentOf, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/zfs/adapter.ts';
import { tool } from '../support/scratch.ts';
import type { Applicability, Ground } from './ground.ts';

export const ZFS: Applicability = {
  capabilities: CAPABILITIES,
  archive: 'dataset',
  names: 'zfs',
  flags: true,
  readOnly: 'property',
  keeps: true,
  heldOpen: 'what is open is mounted, and is not removed',
  untrustedWay: { noMatter: 'a dataset is found by its name only' },
  stateIsSubvolume: false,
  alone: true,
};

const PIN = 'roots:pin';
const DAMAGED = ['{', '', 'mine\tand yours', '{"note":1}'];
/** What a name of ours has before the former name. */
const OURS = /^(?:\.roots-trash\.\d{8}T\d{6}Z\.|\.roots-(?:removing|deleting)\.\d+\.)/;
/** Those of a tree that a user sets, and those that say what it is. */
const PROPERTIES = 'guid,origin,userrefs,readonly,canmount,mountpoint';

export interface ZfsPlace {
  readonly pool: string;
  /** A directory for what is no dataset. */
  readonly base: string;
  close(): void;
}

/** `<base>/…` stands for the dataset `<pool>/…`. */
export function zfsGround({ pool, base, close }: ZfsPlace): Ground {
  let mounted = 0;
  let kept = 0;

  /** Of `<archive>/@NAME`, with what a name of ours puts before it, the snapshot of the live root. */
  const datasetOf = (path: BytePath): string => {
    const entry = toText(baseName(path));
    const ours = OURS.exec(entry)?.[0] ?? '';
    const plain = `${pool}/${toText(path).slice(base.length + 1)}`;
    if (!entry.startsWith('@', ours.length)) return plain;
    return `${pool}/${toText(parentOf(parentOf(path))).slice(base.length + 1)}/root@${ours}${entry.slice(ours.length + 1)}`;
  };
  /** The live root is mounted on every system, and the blank costs nothing. */
  const staysMounted = (path: BytePath): boolean => /^\/[^/]+\/root(?:-blank)?$/.test(path.slice(base.length));
  const isSnapshot = (dataset: string): boolean => dataset.includes('@');
  const typeOf = (dataset: string): string => lines('list', '-H', '-o', 'type', '-t', 'all', dataset)[0] ?? '';

  /** Always the same, as its times are seen. */
  const withoutFiles = <T>(dataset: string, use: (at: BytePath) => T): T => {
    if (typeOf(dataset) !== 'volume') throw new Error(`${dataset} cannot be mounted`);
    const nothing = join(base, '.nothing');
    mkdirSync(nothing, { recursive: true });
    return use(fromText(nothing));
  };

  const ground: Ground = {
    name: 'zfs',
    base,
    makeArchive: (path) => void zfs('create', '-p', datasetOf(path)),
    makeTree: (path) => {
      const dataset = datasetOf(path);
      zfs(isSnapshot(dataset) ? 'snapshot' : 'create', dataset);
      if (!staysMounted(path)) return;
      mkdirSync(toBytes(path));
      tool('mount', '-i', '-t', 'zfs', dataset, toText(path));
    },
    makeReadOnly: (path) => void zfs('set', 'readonly=on', datasetOf(path)),
    renameTree: (from, to) => {
      // -u is for filesystems only.
      const unmounted = typeOf(datasetOf(from)) === 'filesystem' ? ['-u'] : [];
      zfs('rename', ...unmounted, datasetOf(from), datasetOf(to));
    },
    removeTree: (path) => void zfs('destroy', '-r', datasetOf(path)),
    exists: (path) => spawnSync('zfs', ['list', '-H', '-o', 'name', '-t', 'all', datasetOf(path)]).status === 0,
    names: (archive) => {
      const [own, live] = [datasetOf(archive), datasetOf(fromText(join(toText(parentOf(archive)), 'root')))];
      const all = lines('list', '-H', '-d', '1', '-t', 'filesystem,volume,snapshot', '-o', 'name', own, live);
      const below = all.filter((name) => name.startsWith(`${own}/`)).map((name) => fromText(name.slice(own.length + 1)));
      const snapshots = all.filter((name) => name.startsWith(`${live}@`)).map((name) => entryOf(name.slice(live.length + 1)));
      return [...below, ...snapshots].sort();
    },

    within: (path, use) => {
      if (staysMounted(path)) return use(path);
      const dataset = datasetOf(path);
      mounted += 1;
      const at = join(base, `.within-${String(mounted)}`);
      mkdirSync(at);
      try {
        // Once it is mounted it must be mounted again as it is.
        const ways = [isSnapshot(dataset) ? 'ro' : 'rw', 'ro'];
        if (!ways.some((how) => spawnSync('mount', ['-i', '-t', 'zfs', '-o', how, dataset, at]).status === 0))
          return withoutFiles(dataset, use);
        try {
          return use(fromText(at));
        } finally {
          tool('umount', at);
        }
      } finally {
        rmdirSync(at);
      }
    },
    beyond: (paths) => {
      if (paths.length === 0) return [];
      const datasets = paths.map(datasetOf);
      // What is inherited is that of others.
      const which = ['-r', '-t', 'filesystem,volume,snapshot', '-s', 'local,received,none', '-o', 'name,property,value'];
      const all = lines('get', '-Hp', ...which, PROPERTIES, ...datasets);
      return datasets.map((dataset) => {
        const own = all.filter((line) => line.startsWith(dataset) && /^[\t/@]/.test(line.slice(dataset.length)));
        const traits = [...new Set(own.map((line) => line.slice(dataset.length)))].sort();
        const below = new Set(
          traits.map((line) => line.split('\t', 1).join('')).filter((name) => name.startsWith('/') && !isSnapshot(name)),
        );
        return { nested: [...below].map((name) => fromText(name.slice(1))), traits, flags: '' };
      });
    },
    mountCommand: (path, at) => ['mount', '-i', '-t', 'zfs', datasetOf(path), at],

    others: [['a volume', (path) => void zfs('create', '-s', '-V', '1M', '-o', 'volmode=none', datasetOf(path))]],
    damagedPins: (tree) =>
      DAMAGED.map((value) => ({
        what: value,
        damage: () => {
          zfs('set', `${PIN}=${value}`, datasetOf(tree));
          // It may have another name by then.
          return () => void zfs('inherit', '-r', PIN, datasetOf(parentOf(tree)));
        },
      })),
    // One that has a clone elsewhere.
    keep: (path) => {
      kept += 1;
      const [scene = ''] = toText(path)
        .slice(base.length + 1)
        .split('/');
      const [snapshot, clone] = [`${datasetOf(path)}@kept`, `${pool}/${scene}/kept-${String(kept)}`];
      zfs('snapshot', snapshot);
      zfs('clone', snapshot, clone);
      return () => {
        const [origin = ''] = lines('get', '-Hp', '-o', 'value', 'origin', clone);
        zfs('destroy', clone);
        zfs('destroy', origin);
      };
    },
    hold: (path, tag) => {
      const snapshot = `${datasetOf(path)}@held`;
      zfs('snapshot', snapshot);
      zfs('hold', tag, snapshot);
      return () => {
        zfs('release', tag, snapshot);
        zfs('destroy', snapshot);
      };
    },

    space: () => {
      const [used = 0, available = 0] = (lines('list', '-Hp', '-o', 'used,available', pool)[0] ?? '').split('\t').map(Number);
      return { freeBytes: available, totalBytes: used + available };
    },
    // ZFS_MAX_DATASET_NAME_LEN is 256, with the NUL.
    longestName: (archive) => 255 - datasetOf(archive).length - 1,
    location: ({ live, blank, archive }) => {
      const of = (path: string): string => datasetOf(fromText(path));
      const snapshot = `${of(blank)}@blank`;
      const { status, stderr } = spawnSync('zfs', ['snapshot', snapshot], { encoding: 'utf8' });
      if (status !== 0 && !stderr.includes('dataset already exists')) throw new Error(stderr);
      return { backend: 'zfs', live: fromText(of(live)), blank: fromText(snapshot), archive: fromText(of(archive)) };
    },
    commit: () => void tool('zpool', 'sync', pool),
    endScene: (scene) => {
      // Its clones are all of this scene.
      zfs('destroy', '-R', datasetOf(fromText(scene)));
      rmSync(scene, { recursive: true });
    },
    close,
  };
  return ground;
}

/** What an archive calls a snapshot of the live root. */
function entryOf(name: string): BytePath {
  const ours = OURS.exec(name)?.[0] ?? '';
  return fromText(`${ours}@${name.slice(ours.length)}`);
}

function zfs(...args: readonly string[]): string {
  return tool('zfs', ...args);
}

function lines(...args: readonly string[]): string[] {
  return zfs(...args)
    .split('\n')
    .filter((line) => line !== '');
}
