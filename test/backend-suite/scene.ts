/** One target on a real filesystem, made anew for every test, with things beside its old roots that nothing may touch. */
import { lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';
import type { Backend, Capabilities, Location, Services } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';
import { treeDigest } from '../fixtures/tree-digest.ts';
import { mountTable, tool } from '../support/scratch.ts';
import { isMountedAnywhere, until } from './processes.ts';

/** What differs between filesystems; paths are absolute, on the host. */
export interface Ground {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Whether chattr(1) can set flags there. */
  readonly flags: boolean;
  /** A directory on the filesystem, below which the scenes are. */
  readonly base: string;
  /** An independent tree, as an old root is one. */
  makeTree(path: BytePath): void;
  makeReadOnly(path: BytePath): void;
  location(scene: { readonly live: string; readonly blank: string; readonly archive: string }): Location;
  /** Mounts just this tree somewhere. */
  mountTree(path: BytePath, at: string): void;
  /** After this, listing needs no more programs for trees that are new. */
  commit(): void;
  close(): void;
}

export interface Scene {
  readonly ground: Ground;
  readonly base: string;
  readonly archive: string;
  readonly live: string;
  readonly blank: string;
  /** Reached by links in every tree. */
  readonly outside: string;
  readonly location: Location;
  /** An old root with files, links that lead out of it, and directories; returns its path. */
  addTree(name: BytePath): BytePath;
  open(services?: Partial<Services>): Promise<Backend>;
  /** A directory of its own to mount something at. */
  mountPoint(): string;
  digest(): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export const SIBLING = fromText('2026-11-01_00:00:00');

let made = 0;

export function makeScene(ground: Ground): Scene {
  made += 1;
  const base = join(ground.base, `scene-${String(process.pid)}-${String(made)}`);
  const [archive, live, blank, outside] = ['old_roots', 'root', 'root-blank', 'outside'].map((name) => join(base, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [base, archive, outside]) mkdirSync(path);
  writeFileSync(join(outside, 'secret'), 'outside of every root\n');
  ground.makeTree(fromText(live));
  ground.makeTree(fromText(blank));
  for (const path of [live, blank]) writeFileSync(join(path, 'here'), path);
  const location = ground.location({ live, blank, archive });
  const closers: (() => Promise<void>)[] = [];
  let mountPoints = 0;
  const scene: Scene = {
    ground,
    base,
    archive,
    live,
    blank,
    outside,
    location,
    addTree: (name) => {
      const path = joinPath(fromText(archive), name);
      ground.makeTree(path);
      fill(path, outside);
      return path;
    },
    open: async (services = {}) => {
      const pool = new PrivateMountPool(services.run ?? run, 'write');
      closers.push(() => pool.close());
      const backend = await openBackend(location, { run, signal: new AbortController().signal, privateMounts: pool, ...services });
      closers.push(() => backend.close());
      return backend;
    },
    mountPoint: () => {
      mountPoints += 1;
      const at = join(base, `mount-${String(mountPoints)}`);
      mkdirSync(at);
      return at;
    },
    digest: () =>
      Object.fromEntries(
        [live, blank, outside, join(archive, SIBLING)].map((path) => [path.slice(base.length + 1), treeDigest(fromText(path))]),
      ),
    close: async () => {
      for (const close of closers.reverse()) await close();
      unmountBelow(base);
    },
  };
  scene.addTree(SIBLING);
  return scene;
}

function fill(path: BytePath, outside: string): void {
  const at = (name: string): Buffer => toBytes(joinPath(path, fromText(name)));
  for (const name of ['etc', 'home', 'home/alice', 'var', 'var/empty', 'full']) mkdirSync(at(name));
  writeFileSync(at('etc/hostname'), 'nixos\n');
  for (let number = 0; number < 40; number += 1) writeFileSync(at(`full/${String(number)}`), String(number));
  symlinkSync(outside, at('home/alice/out'));
  symlinkSync(join(outside, 'secret'), at('etc/secret'));
  symlinkSync('../../..', at('home/up'));
}

function unmountBelow(path: string): void {
  for (const mount of mountTable().reverse()) {
    if (mount.at.startsWith(`${fromText(path)}/`)) tool('umount', '--', Buffer.from(mount.at, 'latin1').toString());
  }
}

/** Whatever has made a mount namespace of its own meanwhile, such as other tests, has what was mounted then mounted too until it ends. */
export async function unmountEverywhere({ base }: Scene): Promise<void> {
  unmountBelow(base);
  await until(`nothing to be mounted below ${base}`, () => !isMountedAnywhere(base));
}

/** What is in the archive but for what the backend keeps there itself: a digest by name. */
export function everything(scene: Scene): Record<string, string> {
  const names = (readdirSync(scene.archive, { encoding: 'latin1' }) as BytePath[]).filter((name) => name !== '.roots').sort();
  return Object.fromEntries(names.map((name) => [name, treeDigest(joinPath(fromText(scene.archive), name))]));
}

export function expectGone(scene: Scene, path: BytePath): void {
  expect(lstatSync(toBytes(path), { throwIfNoEntry: false })).toBeUndefined();
  expect(readdirSync(scene.archive, { encoding: 'latin1' }).filter((name) => name.startsWith('.roots-'))).toEqual([]);
}

/** Trees of their own in another, each with a file `data`. */
export function nest(scene: Scene, root: BytePath, ...paths: readonly string[]): void {
  for (const path of paths) {
    scene.ground.makeTree(joinPath(root, fromText(path)));
    writeFileSync(toBytes(joinPath(root, fromText(`${path}/data`))), path);
  }
}

export interface Counting {
  readonly run: Run;
  readonly calls: string[];
}

export function counting(): Counting {
  const calls: string[] = [];
  return {
    calls,
    run: (program, args, options) => {
      calls.push([program, ...args.map((argument) => (typeof argument === 'string' ? argument : argument.path))].join(' '));
      return run(program, args, options);
    },
  };
}
