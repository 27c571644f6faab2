/** One target on a real filesystem, made anew for every test, with things beside its old roots that nothing may touch. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fromText, joinPath, toBytes, toText, type BytePath } from '../../src/byte-path.ts';
import type { Backend, Location, Services } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';
import { fileLines, treeDigest, treeLines, untouchedDigest } from '../fixtures/tree-digest.ts';
import { mountTable, tool } from '../support/scratch.ts';
import type { Applicability, Beyond, Ground, Places } from './ground.ts';
import { isMountedAnywhere, until } from './processes.ts';

export interface Scene extends Places {
  readonly ground: Ground;
  readonly about: Applicability;
  readonly base: string;
  /** Reached by links in every tree. */
  readonly outside: string;
  readonly location: Location;
  /** An old root with files, links that lead out of it, and directories; returns its path. */
  addTree(name: BytePath): BytePath;
  /** One with a file only, where many are wanted. */
  addSmallTree(name: BytePath): BytePath;
  /** The path of an entry of the archive. */
  at(name: BytePath): BytePath;
  open(services?: Partial<Services>): Promise<Backend>;
  /** A directory of its own to mount something at. */
  mountPoint(): string;
  /** A path beside the archive, where nothing is. */
  away(): BytePath;
  digest(): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export const SIBLING = fromText('2026-11-01_00:00:00');
export const OUTSIDE = fromText('outside');

let made = 0;

export function makeScene(ground: Ground, about: Applicability): Scene {
  made += 1;
  const base = join(ground.base, `scene-${String(process.pid)}-${String(made)}`);
  const [archive, live, blank, outside] = ['old_roots', 'root', 'root-blank', OUTSIDE].map((name) => join(base, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const path of [base, outside]) mkdirSync(path);
  writeFileSync(join(outside, 'secret'), 'outside of every root\n');
  ground.makeArchive(fromText(archive));
  for (const path of [live, blank]) {
    ground.makeTree(fromText(path));
    ground.within(fromText(path), (at) => writeFileSync(toBytes(joinPath(at, fromText('here'))), path));
  }
  const location = ground.location({ live, blank, archive });
  const closers: (() => Promise<void>)[] = [];
  let mountPoints = 0;
  let aways = 0;
  const scene: Scene = {
    ground,
    about,
    base,
    archive,
    live,
    blank,
    outside,
    location,
    addTree: (name) => {
      const path = scene.at(name);
      ground.makeTree(path);
      ground.within(path, (at) => {
        fill(at, outside);
      });
      return path;
    },
    addSmallTree: (name) => {
      const path = scene.at(name);
      ground.makeTree(path);
      write(scene, path, 'file', name);
      return path;
    },
    at: (name) => joinPath(fromText(archive), name),
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
    away: () => {
      aways += 1;
      return fromText(join(base, `away-${String(aways)}`));
    },
    digest: () => {
      const trees = [live, blank, join(archive, SIBLING)];
      const digests = untouched(scene, trees.map(fromText)).map((digest, at) => [trees[at]!.slice(base.length + 1), digest] as const);
      return { ...Object.fromEntries(digests), outside: untouchedDigest(fromText(outside)) };
    },
    close: async () => {
      for (const close of closers.reverse()) await close();
      unmountBelow(base, []);
      ground.endScene?.(base);
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

export function write(scene: Scene, tree: BytePath, file: string, content: string | Uint8Array): void {
  scene.ground.within(tree, (at) => writeFileSync(toBytes(joinPath(at, fromText(file))), content));
}

export function read(scene: Scene, tree: BytePath, file: string): string {
  return scene.ground.within(tree, (at) => readFileSync(toBytes(joinPath(at, fromText(file))), 'utf8'));
}

/** Of files in a tree; `''` is the tree itself. */
export function chattr(scene: Scene, flags: string, tree: BytePath, ...files: readonly string[]): void {
  scene.ground.within(tree, (at) => {
    for (const file of files) tool('chattr', flags, toText(joinPath(at, fromText(file))));
  });
}

/** All that can be known of a tree but its name, with the trees that are nested in it. */
export function digestOf(scene: Scene, path: BytePath): string {
  return digests(scene, [path], treeLines)[0]!;
}

/** The same for all but flags and attributes, which may have been changed and set back, and for less work. */
export function filesOf(scene: Scene, path: BytePath): string {
  const [beyond] = scene.ground.beyond([path]);
  return hash(linesIn(scene, path, beyond!, fileLines));
}

/** For each, what is equal only if nothing in it was touched meanwhile, not even such that it is as it was. */
export function untouched(scene: Scene, paths: readonly BytePath[]): string[] {
  return digests(scene, paths, (at) => [untouchedDigest(at)]);
}

type Look = (at: BytePath) => readonly string[];

function digests(scene: Scene, paths: readonly BytePath[], look: Look): string[] {
  return scene.ground.beyond(paths).map((beyond, at) => hash([beyond.flags, ...linesIn(scene, paths[at]!, beyond, look)]));
}

function linesIn({ ground }: Scene, path: BytePath, { nested, traits }: Beyond, look: Look): string[] {
  return [...traits, ...['' as BytePath, ...nested].flatMap((each) => [each, ...ground.within(joinPath(path, each), look)])];
}

function hash(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\0'), 'latin1').digest('hex');
}

/** Only what is in its files. */
export function contentOf(scene: Scene, path: BytePath): string {
  return scene.ground.within(path, treeDigest);
}

/** Mounts just this tree. */
export function mountTree(scene: Scene, path: BytePath, at: string): void {
  const [program, ...args] = scene.ground.mountCommand(path, at);
  tool(program, ...args);
}

/** Mounts a part of it only. */
export function mountPart(scene: Scene, path: BytePath, part: string, at: string): void {
  scene.ground.within(path, (top) => tool('mount', '--bind', toText(joinPath(top, fromText(part))), at));
}

/** The words of `mountCommand` for a shell. */
export function mountScript(scene: Scene, path: BytePath, at: string): string {
  return scene.ground
    .mountCommand(path, at)
    .map((word) => `'${word}'`)
    .join(' ');
}

/** Mounts something in the tree. `whole`: where the tree is mounted for that itself, which it has to be where it is no directory in the archive. */
export function mountInside(scene: Scene, path: BytePath, part: string): { readonly inside: string; readonly whole: string | null } {
  const whole = scene.about.archive === 'directory' ? null : scene.mountPoint();
  if (whole !== null) mountTree(scene, path, whole);
  const inside = join(whole ?? toText(path), part);
  tool('mount', '-t', 'tmpfs', 'roots-test', inside);
  return { inside, whole };
}

function unmountBelow(path: string, but: readonly string[]): void {
  for (const { at } of mountTable().reverse())
    if (at.startsWith(`${fromText(path)}/`) && !but.includes(toText(at))) tool('umount', '--', toText(at));
}

/** Whatever has made a mount namespace of its own meanwhile, such as other tests, has what was mounted then mounted too until it ends. */
export async function unmountEverywhere({ base, live, blank }: Scene): Promise<void> {
  unmountBelow(base, [live, blank]);
  await until(`nothing to be mounted below ${base}`, () => !isMountedAnywhere(base, [live, blank]));
}

/** What is in the archive but for what the backend keeps there itself, as `untouched` tells it, by name. */
export function everything(scene: Scene): Record<string, string> {
  const names = scene.ground.names(fromText(scene.archive));
  const digests = untouched(scene, names.map(scene.at));
  return Object.fromEntries(names.map((name, at) => [name, digests[at]!]));
}

export function expectGone(scene: Scene, path: BytePath): void {
  expect(scene.ground.exists(path)).toBe(false);
  expect(scene.ground.names(fromText(scene.archive)).filter((name) => name.startsWith('.roots-'))).toEqual([]);
}

/** The names in the archive are just these. */
export function expectNames(scene: Scene, ...names: readonly BytePath[]): void {
  expect(scene.ground.names(fromText(scene.archive))).toEqual([...names].sort());
}

/** Trees of their own in another, each with a file `data`. Each is in the tree itself, or in one that comes before it. */
export function nest(scene: Scene, root: BytePath, ...paths: readonly string[]): void {
  for (const path of paths) {
    const tree = joinPath(root, fromText(path));
    scene.ground.makeTree(tree);
    write(scene, tree, 'data', path);
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
