/** What may have taken a name in the archive, or come to be there in the place of something else. */
import { mkdirSync } from 'node:fs';
import { toBytes } from '../../src/byte-path.ts';
import type { Plant } from './ground.ts';
import type { Scene } from './scene.ts';

/** The first is the emptiest that there can be: a rename onto it replaces it, unless that is refused. */
export function taken({ about, ground }: Scene): readonly Plant[] {
  const directory: Plant = ['an empty directory', (path) => mkdirSync(toBytes(path))];
  const tree: Plant = ['an empty tree', (path) => ground.makeTree(path)];
  return [...(about.archive === 'directory' ? [directory] : []), tree, ...ground.others];
}
