import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { placeForPlainMounts } from '../../../src/system/plain-mount.ts';
import { mountPrivately } from '../../../src/system/private-mount.ts';
import { run } from '../../../src/system/run.ts';
import { start } from '../../backend-suite/processes.ts';
import { makeBtrfsImage } from '../../support/loop-image.ts';
import { requires } from '../../support/requirements.ts';
import { mountTable, withScratch } from '../../support/scratch.ts';

const OF_UNIT = { ROOTS_PRIVATE_NAMESPACE: '1', RUNTIME_DIRECTORY: '/run/roots-prune' };
const HOST = '29 1 0:43 /root / rw shared:1 - btrfs /dev/vda rw\n30 29 0:5 / /dev rw shared:2 - devtmpfs udev rw\n';
const UNIT = '81 80 0:43 /root / ro shared:301 master:1 - btrfs /dev/vda rw\n82 81 0:5 / /dev rw shared:302 master:2 - devtmpfs udev rw\n';
const tables =
  (self: string, first: string) =>
  (process: string): string =>
    process === '1' ? first : self;

describe('a plain mount is made', () => {
  it('in a mount namespace that has nothing in common with that of the first process', () => {
    expect(placeForPlainMounts(OF_UNIT, tables(UNIT, HOST))).toBe('/run/roots-prune');
    expect(placeForPlainMounts({ ...OF_UNIT, RUNTIME_DIRECTORY: '/run/a:/run/b' }, tables(UNIT, HOST))).toBe('/run/a');
  });

  it.each([
    ['nobody asked for it', { RUNTIME_DIRECTORY: '/run/roots-prune' }, UNIT, HOST],
    ['it was asked for in other words', { ...OF_UNIT, ROOTS_PRIVATE_NAMESPACE: '0' }, UNIT, HOST],
    ['there is no directory for it', { ROOTS_PRIVATE_NAMESPACE: '1' }, UNIT, HOST],
    ['the directory is not absolute', { ...OF_UNIT, RUNTIME_DIRECTORY: 'run' }, UNIT, HOST],
    ['it is the namespace of the first process', OF_UNIT, HOST, HOST],
    ['one mount is the same', OF_UNIT, UNIT + '30 81 0:5 / /x rw - devtmpfs udev rw\n', HOST],
    ['mounts appear in the other namespace as well', OF_UNIT, UNIT.replace('shared:301', 'shared:1'), HOST],
    ['its own table is empty', OF_UNIT, '', HOST],
    ['the other table is empty', OF_UNIT, UNIT, ''],
  ])('not where %s', (_, env, self, first) => {
    expect(placeForPlainMounts(env, tables(self, first))).toBeNull();
  });

  it('not where a table cannot be read', () => {
    const hidden = (process: string): string => {
      if (process === '1') throw new Error('EACCES');
      return UNIT;
    };
    expect(placeForPlainMounts(OF_UNIT, hidden)).toBeNull();
  });

  it('not in this very process', () => {
    expect(placeForPlainMounts(OF_UNIT)).toBeNull();
  });
});

/** Mounts as a unit would, says where, and waits for the end of its input. */
const PROBE = `
const { mountPrivately } = await import(process.argv[1]);
const { run } = await import(process.argv[2]);
const { readFileSync, readdirSync, writeFileSync } = await import('node:fs');
const calls = [];
const recording = (program, args, options) => { calls.push(program); return run(program, args, options); };
try {
  const mount = await mountPrivately(recording, { device: process.argv[3], type: process.argv[4], options: [], access: 'write' });
  const { stdout } = await mount.runInside('ls', ['-a', '--', mount.pathInside]);
  writeFileSync(mount.path + '/written', '');
  const inTable = readFileSync('/proc/self/mountinfo', 'latin1').includes(' ' + mount.path + ' ');
  const during = { path: mount.path, device: mount.device, same: mount.path === mount.pathInside, inTable, listing: stdout.toString(), calls: [...calls] };
  process.stdout.write(JSON.stringify(during) + '\\n');
  await new Promise((resolve) => process.stdin.once('data', resolve));
  await mount.close();
  await mount.close();
  const left = readFileSync('/proc/self/mountinfo', 'latin1').includes(' ' + mount.path + ' ');
  process.stdout.write(JSON.stringify({ left, folders: readdirSync(process.env.RUNTIME_DIRECTORY) }) + '\\n');
} catch (error) {
  process.stdout.write(JSON.stringify({ kind: error.kind, message: error.message, folders: readdirSync(process.env.RUNTIME_DIRECTORY) }) + '\\n');
}
process.exit(0);
`;

const module = (name: string): string => new URL(`../../../src/system/${name}`, import.meta.url).href;

interface Probe {
  readonly said: () => Record<string, unknown>[];
  readonly proceed: () => void;
  readonly gone: Promise<unknown>;
  readonly kill: () => Promise<void>;
}

function probe(propagation: string, folder: string, device: string, type = 'btrfs'): Probe {
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', PROBE];
  const paths = [module('private-mount.ts'), module('run.ts'), device, type];
  const env = ['env', `RUNTIME_DIRECTORY=${folder}`, 'ROOTS_PRIVATE_NAMESPACE=1'];
  const started = start('unshare', ['--mount', `--propagation=${propagation}`, '--', ...env, ...node, ...paths]);
  return {
    said: () =>
      started
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    proceed: () => started.child.stdin?.write('go'),
    gone: started.gone,
    kill: () => started.kill('SIGKILL'),
  };
}

async function firstWords(started: Probe): Promise<Record<string, unknown>> {
  for (let tries = 0; tries < 1500; tries += 1) {
    const [first] = started.said();
    if (first !== undefined) return first;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('it said nothing');
}

requires.btrfs('in a mount namespace of its own', () => {
  it('it is plain: read, written and run inside without another namespace, unseen outside, and gone when it is closed', async () => {
    await withScratch(async ({ path }) => {
      const folder = join(path, 'run');
      mkdirSync(folder);
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        const started = probe('private', folder, image.device);
        try {
          const during = await firstWords(started);
          expect(during).toMatchObject({
            same: true,
            inTable: true,
            calls: ['mount', 'ls'],
            device: expect.stringMatching(/^0:\d+$/) as string,
          });
          expect(String(during['path'])).toMatch(new RegExp(`^${folder}/mount-\\w+$`));
          expect(mountTable().filter(({ source }) => source === image.device)).toEqual([]);
          expect(readdirSync(String(during['path']))).toEqual([]);
          started.proceed();
          await started.gone;
          expect(started.said()[1]).toEqual({ left: false, folders: [] });
        } finally {
          await started.kill();
        }
        const again = await mountPrivately(run, { device: image.device, type: 'btrfs', options: [], access: 'read' });
        expect((await again.runInside('ls', ['/tmp'])).stdout.toString()).toBe('written\n');
        await again.close();
      } finally {
        image.close();
      }
    });
  });

  it('it goes with a process that is killed', async () => {
    await withScratch(async ({ path }) => {
      const folder = join(path, 'run');
      mkdirSync(folder);
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        const started = probe('private', folder, image.device);
        await firstWords(started);
        await started.kill();
        expect(readFileSync('/proc/self/mountinfo', 'latin1')).not.toContain(folder);
      } finally {
        // Throws if anything still uses the device.
        image.close();
      }
    });
  });

  it('a mount that fails leaves no directory', async () => {
    await withScratch(async ({ path }) => {
      const folder = join(path, 'run');
      mkdirSync(folder);
      const image = makeBtrfsImage({ sizeMiB: 128, dir: path });
      try {
        const started = probe('private', folder, image.device, 'ext4');
        expect(await firstWords(started)).toMatchObject({ kind: 'failed', folders: [] });
        await started.gone;
      } finally {
        image.close();
      }
    });
  });
});

requires.root('in a mount namespace whose mounts appear elsewhere', () => {
  it('it is not plain', async () => {
    await withScratch(async ({ path }) => {
      // As on a machine that systemd runs; here mounts may be private. The shell is the first process of its own.
      const script = '(mount --make-rshared / && exec unshare --mount --propagation="$0" -- "$@"); exit';
      const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', PLACE, module('plain-mount.ts')];
      const env = ['env', `RUNTIME_DIRECTORY=${path}`, 'ROOTS_PRIVATE_NAMESPACE=1'];
      for (const [propagation, place] of [
        ['unchanged', null],
        ['slave', path],
      ] as const) {
        const started = start('unshare', [
          '--mount',
          '--pid',
          '--fork',
          '--mount-proc',
          '--',
          'sh',
          '-c',
          script,
          propagation,
          ...env,
          ...node,
        ]);
        await started.gone;
        expect(started.output()).toBe(`${String(place)}\n`);
      }
    });
  });
});

const PLACE = `
const { placeForPlainMounts } = await import(process.argv[1]);
console.log(placeForPlainMounts());
`;
