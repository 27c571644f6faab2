/** The pool of the tests of what only ZFS has, in an image. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tool } from '../support/scratch.ts';

export const POOL = 'rootsown';
export const FOLDER = '/run/roots-zfs-own';
const IMAGE = '/var/tmp/roots-zfs-own';
export const zfs = (...args: readonly string[]): string => tool('zfs', ...args);
export const names = (): string[] => zfs('list', '-H', '-o', 'name', '-t', 'all', '-r', POOL).trimEnd().split('\n');
export const originOf = (name: string): string => zfs('get', '-H', '-o', 'value', 'origin', name).trim();

export function write(dataset: string, file: string, text: string): void {
  const at = join(FOLDER, 'write');
  mkdirSync(at, { recursive: true });
  tool('mount', '-i', '-t', 'zfs', dataset, at);
  writeFileSync(join(at, file), text);
  tool('umount', at);
}

export function makePool(...properties: readonly string[]): void {
  mkdirSync(FOLDER, { recursive: true });
  tool('truncate', '-s', '256M', IMAGE);
  tool('zpool', 'create', '-f', '-m', 'none', ...properties, POOL, IMAGE);
}

function unmountAll(): void {
  for (const each of tool('findmnt', '-rn', '-o', 'TARGET').split('\n').reverse()) if (each.startsWith(`${FOLDER}/`)) tool('umount', each);
}

export function dropPool(): void {
  unmountAll();
  if (tool('zpool', 'list', '-H', '-o', 'name').split('\n').includes(POOL)) tool('zpool', 'destroy', '-f', POOL);
  rmSync(IMAGE, { force: true });
}

/** A pool takes longer to make than all that is in it. */
export function clean(): void {
  unmountAll();
  const pools = tool('zpool', 'list', '-H', '-o', 'name,readonly').split('\n');
  if (!pools.includes(`${POOL}\toff`)) {
    dropPool();
    makePool();
  }
  for (const name of zfs('list', '-H', '-o', 'name', '-d', '1', '-t', 'filesystem', POOL).trimEnd().split('\n').slice(1))
    if (names().includes(name)) zfs('destroy', '-R', name);
}
