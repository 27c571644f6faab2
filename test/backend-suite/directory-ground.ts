import { mkdirSync } from 'node:fs';
import { fromText, toBytes, toText } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/directory/adapter.ts';
import { directoryArchive } from './directory-archive.ts';
import type { Applicability, Ground } from './ground.ts';

export const DIRECTORY: Applicability = {
  capabilities: CAPABILITIES,
  archive: 'directory',
  names: 'bytes',
  flags: true,
  readOnly: 'none',
  keeps: false,
  heldOpen: 'nothing tells what is still in use',
  untrustedWay: { noMatter: 'a tree is removed by way of its archive, which is held open' },
  stateIsSubvolume: false,
  alone: true,
};

/** `base`: a directory of any filesystem. */
export function directoryGround(name: string, { base, close }: { readonly base: string; close(): void }): Ground {
  return {
    ...directoryArchive,
    name,
    base,
    makeTree: (path) => mkdirSync(toBytes(path)),
    makeReadOnly: () => undefined,
    location: ({ live, blank, archive }) => ({
      backend: 'directory',
      live: fromText(live),
      blank: fromText(blank),
      archive: fromText(archive),
    }),
    mountCommand: (path, at) => ['mount', '--bind', toText(path), at],
    keep: null,
    commit: () => undefined,
    close,
  };
}
