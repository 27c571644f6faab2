import { join } from 'node:path';
import { fromText, toText, type BytePath } from '../../src/byte-path.ts';
import { CAPABILITIES } from '../../src/backend/btrfs/adapter.ts';
import { makeBtrfsImage } from '../support/loop-image.ts';
import { requires } from '../support/requirements.ts';
import { makeScratch, tool } from '../support/scratch.ts';
import { spawnSync } from 'node:child_process';
import type { Ground } from './scene.ts';
import { backendSuite } from './suite.ts';

function ground(): Ground {
  const scratch = makeScratch();
  const image = makeBtrfsImage({ sizeMiB: 256, dir: scratch.path });
  const base = image.mount({}, join(scratch.path, 'top'));
  const relative = (path: string): BytePath => fromText(path.slice(base.length + 1));
  return {
    name: 'btrfs',
    capabilities: CAPABILITIES,
    flags: true,
    base,
    makeTree: (path) => btrfs(path, 'subvolume', 'create'),
    makeReadOnly: (path) => btrfs(path, 'property', 'set', '-ts', undefined, 'ro', 'true'),
    location: ({ live, blank, archive }) => ({
      backend: 'btrfs',
      device: image.device,
      live: within(live),
      blank: within(blank),
      archive: within(archive),
    }),
    mountTree: (path, at) => void tool('mount', '-o', `subvol=${toText(path).slice(base.length)}`, image.device, at),
    commit: () => void tool('btrfs', 'filesystem', 'sync', base),
    close: () => {
      image.close();
      scratch.remove();
    },
  };

  /** Of the top level; where that is bound elsewhere (`mount-N`), too. */
  function within(path: string): BytePath {
    return relative(path.replace(/\/mount-\d+\//, '/'));
  }
}

/** Arguments are bytes only through xargs. */
function btrfs(path: BytePath, ...args: readonly (string | undefined)[]): void {
  const place = args.indexOf(undefined);
  const all = place === -1 ? [...args, undefined] : args;
  const input = Buffer.concat(
    all.flatMap((each) => [each === undefined ? Buffer.from(path, 'latin1') : Buffer.from(each), Buffer.from([0])]),
  );
  const result = spawnSync('xargs', ['-0', 'btrfs'], { input });
  if (result.status !== 0) throw new Error(result.stderr.toString());
}

requires.btrfs('btrfs', () => {
  backendSuite('btrfs', { capabilities: CAPABILITIES, flags: true, alone: true }, ground);
});
