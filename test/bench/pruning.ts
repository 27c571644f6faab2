/** Two hundred old roots removed, beside one program of btrfs that names them all. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from '../support/scratch.ts';
import { compare, type Row, type Work } from './measure.ts';

const COUNT = 200;
const FLOOR = 3;
/** In each root, besides what it shares. */
const CHANGED_FILES = 50;

export interface PruningPlace {
  readonly roots: readonly string[];
  /** The top level of a btrfs with a subvolume `blank` and a directory `old_roots`, which is emptied. */
  readonly top: string;
  readonly config: string;
}

/**
 * `roots` flushes what it has removed, which `btrfs subvolume delete` does only with `--commit-after`; and it lists, plans, locks and logs, which it
 * does with nothing to remove as well: that is the third.
 */
export function pruning({ roots, top, config }: PruningPlace): Row[] {
  const archive = join(top, 'old_roots');
  const names = nameAll(COUNT + FLOOR);
  const prepare =
    (count: number, files: number): (() => void) =>
    () => {
      rmSync(archive, { recursive: true });
      mkdirSync(archive);
      for (const name of names.slice(-count)) makeRoot(top, name, files);
      tool('btrfs', 'filesystem', 'sync', top);
    };
  const all = names.slice(0, COUNT).map((name) => join(archive, name));
  const prune = [...roots, 'prune', '--yes', '--config', config];
  return [0, CHANGED_FILES].flatMap((files) => {
    const full = prepare(COUNT + FLOOR, files);
    const works: readonly Work[] = [
      { name: 'btrfs subvolume delete --commit-after', command: ['btrfs', 'subvolume', 'delete', '--commit-after', ...all], prepare: full },
      { name: 'roots prune', command: prune, prepare: full },
      { name: 'roots prune, nothing to remove', command: prune, prepare: prepare(FLOOR, files) },
    ];
    return compare({
      title: `prune of ${String(COUNT)} old roots, ${String(files)} files of their own in each`,
      peer: { name: 'btrfs subvolume delete, all in one', command: ['btrfs', 'subvolume', 'delete', ...all], prepare: full },
      works: works.map((work) => ({ work, bar: work.name === 'roots prune' ? 1.2 : null })),
      rounds: 5,
    });
  });
}

export function makeRoots(top: string, count: number): void {
  for (const name of nameAll(count)) makeRoot(top, name, 0);
  tool('btrfs', 'filesystem', 'sync', top);
}

function nameAll(count: number): string[] {
  return Array.from({ length: count }, (_, at) =>
    new Date(Date.UTC(2024, 0, 1) + at * 3_600_000).toISOString().slice(0, 19).replace('T', '_'),
  );
}

function makeRoot(top: string, name: string, files: number): void {
  const root = join(top, 'old_roots', name);
  tool('btrfs', 'subvolume', 'snapshot', join(top, 'blank'), root);
  for (let file = 0; file < files; file += 1) writeFileSync(join(root, String(file)), Buffer.alloc(4096, file));
}
