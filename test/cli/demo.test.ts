/** `roots demo`: all of it works, nothing is left, and nobody else's demo is touched. */
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, chownSync, constants, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromText, isWithin } from '../../src/byte-path.ts';
import { missing, requires } from '../support/requirements.ts';
import { loopDevicesBelow, makeScratch, mountTable, type Scratch } from '../support/scratch.ts';
import type { List } from './contracts.ts';
import { PROGRAM, roots, type Result } from './roots.ts';

interface Scene {
  readonly folder: string;
  readonly config: string;
  readonly live: string;
  readonly backend: string;
  readonly lostFile: string;
}

function demos(backend: string, uid: number | undefined): void {
  let scratch: Scratch;
  let temporary: string;
  beforeAll(() => {
    scratch = makeScratch();
    temporary = join(scratch.path, 'tmp');
    mkdirSync(temporary);
    // Another user must get to it.
    if (uid !== undefined) {
      chmodSync(scratch.path, 0o755);
      chownSync(temporary, uid, uid);
    }
  });
  afterAll(async () => {
    await run('demo', '--clean');
    scratch.remove();
  });

  const run = async (...args: string[]): Promise<Result> =>
    roots(args, { env: { TMPDIR: temporary }, ...(uid === undefined ? {} : { uid }) });
  const left = (): unknown => ({
    folders: readdirSync(temporary),
    mounts: mountTable().filter(({ at }) => isWithin(at, fromText(temporary))),
    loops: loopDevicesBelow(temporary),
  });
  const NOTHING = { folders: [], mounts: [], loops: [] };

  it('goes through the main job, and every step succeeds', async () => {
    const { status, stdout, stderr } = await run('demo');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const command of ['ls', 'diff', 'restore', 'pin', 'prune --dry-run', 'prune --yes'])
      expect(stdout).toContain(`$ roots ${command}`);
    expect(stdout).toMatch(/^restored .*thesis\.txt/m);
    expect(stdout).not.toMatch(/^failed/m);
    expect(stdout.match(/^removed /gm)?.length).toBeGreaterThan(0);
    expect(stdout).toContain('demo --clean');
    const [folder = ''] = readdirSync(temporary);
    const config = join(temporary, folder, 'roots.toml');
    expect(readFileSync(join(temporary, folder, 'live/home/alice/thesis.txt'), 'utf8')).toContain('dark and stormy');
    const { json } = await run('ls', '--json', '--config', config);
    expect((json as List).roots.filter(({ pinned }) => pinned)).toMatchObject([{ note: 'before the upgrade', backend }]);
    if (backend === 'btrfs') expect(existsSync(join(temporary, folder, 'disk.img'))).toBe(true);
  });

  it('a second one replaces the first', async () => {
    const before = readdirSync(temporary);
    const { status, json } = await run('demo', '--json');
    expect(status).toBe(0);
    const scene = json as Scene;
    expect(scene.backend).toBe(backend);
    expect(before).toHaveLength(1);
    expect(readdirSync(temporary).map((name) => join(temporary, name))).toEqual([scene.folder]);
    expect(before).not.toContain(scene.folder);
    expect(existsSync(scene.lostFile)).toBe(false);
    expect((await run('restore', scene.lostFile, '--config', scene.config)).status).toBe(0);
    expect(existsSync(scene.lostFile)).toBe(true);
  });

  it('--clean leaves nothing: no mount, no loop device, no folder', async () => {
    // Not ours: it has a name like that and no mark.
    mkdirSync(join(temporary, 'roots-demo-other'));
    const { status, stdout } = await run('demo', '--clean');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^removed /m)]);
    expect(left()).toEqual({ ...NOTHING, folders: ['roots-demo-other'] });
    rmSync(join(temporary, 'roots-demo-other'), { recursive: true });
    const again = await run('demo', '--clean');
    expect([again.status, again.stdout]).toEqual([0, 'There is no demo to remove.\n']);
    expect(left()).toEqual(NOTHING);
  });
}

requires.btrfs('the demo for root', () => demos('btrfs', undefined));

const why = whyNoOtherUser();
describe.skipIf(why)('the demo for anyone', { meta: { needs: String(why) } }, () =>
  demos('directory', process.geteuid?.() === 0 ? 1000 : undefined),
);

function whyNoOtherUser(): string | false {
  if (missing('root') !== false) return false;
  accessSync(PROGRAM, constants.R_OK);
  const { status } = spawnSync(process.execPath, ['-e', `require('fs').accessSync(${JSON.stringify(PROGRAM)})`], {
    uid: 1000,
    gid: 1000,
    cwd: '/',
  });
  return status === 0 ? false : 'needs a checkout and a Node that others than root can read';
}
