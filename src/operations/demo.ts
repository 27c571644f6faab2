/**
 * `roots demo`: a scratch machine to try everything on. As root it is a real btrfs image with the steps of the well-known boot
 * snippet, else plain directories. All of it lies in one folder that bears our mark.
 */
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { readMountTable } from '../system/mounts.ts';
import type { Run } from '../system/run.ts';
import type { Context } from './context.ts';

export interface DemoScene {
  readonly folder: string;
  readonly config: string;
  /** Where the live root of the scratch machine is. */
  readonly live: string;
  readonly backend: 'btrfs' | 'directory';
  /** Why it is no btrfs, for people; null if it is. */
  readonly whyNoBtrfs: string | null;
  /** On the live system, absolute; it is in an old root and no longer there. */
  readonly lostFile: string;
}

const PREFIX = 'roots-demo-';
const MARK = '.made-by-roots-demo';
/** Days before now at which the boots were, oldest first; two are of one day. */
const BOOTS = [62, 45, 33, 21, 14, 9, 5, 3.2, 3, 1, 0.3];
const DAY = 86_400_000;
const IMAGE_BYTES = 256 * 2 ** 20;

const POLICY = `
[targets.root.keep]
last = 3
daily = 5
weekly = 3

[targets.root.prune]
max_age = "40d"
`;

/** Builds it in the system's folder for temporary files. Errors: `failed` if a program fails; what was made is cleaned up then. */
export async function buildDemo(context: Context): Promise<DemoScene> {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  writeFileSync(join(folder, MARK), 'Made by `roots demo`; `roots demo --clean` removes this folder and all that is in it.\n');
  try {
    const whyNoBtrfs = await reasonAgainstBtrfs(context);
    const scene = {
      folder,
      config: join(folder, 'roots.toml'),
      live: join(folder, 'live'),
      whyNoBtrfs,
      lostFile: join(folder, 'live/home/alice/thesis.txt'),
    };
    mkdirSync(scene.live);
    const built = whyNoBtrfs === null ? await buildOnBtrfs(context, folder) : buildOnDirectories(context, folder);
    writeFileSync(scene.config, `# Made by \`roots demo\`.\n[targets.root]\n${built}${POLICY}`, { mode: 0o644 });
    return { ...scene, backend: whyNoBtrfs === null ? 'btrfs' : 'directory' };
  } catch (error) {
    await cleanFolder(context.run, folder);
    throw error;
  }
}

async function reasonAgainstBtrfs(context: Context): Promise<string | null> {
  if (!context.privileged) return 'only root can make and mount a filesystem; run it with sudo to see it on btrfs';
  try {
    const { status } = await context.run('mkfs.btrfs', ['--version']);
    if (status !== 0) return 'mkfs.btrfs does not work';
  } catch {
    return 'mkfs.btrfs is not installed (package btrfs-progs)';
  }
  if (!/\tbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8'))) return 'this kernel has no btrfs';
  return null;
}

/** The lines of the configuration that say where it is. */
async function buildOnBtrfs(context: Context, folder: string): Promise<string> {
  const image = join(folder, 'disk.img');
  const top = join(folder, 'top');
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  mkdirSync(top);
  await must(context.run, 'mkfs.btrfs', ['-q', image]);
  const device = (await must(context.run, 'losetup', ['--find', '--show', image])).trim();
  await must(context.run, 'mount', ['-t', 'btrfs', '-o', 'subvolid=5', device, top]);
  await must(context.run, 'btrfs', ['subvolume', 'create', join(top, 'root-blank')]);
  await must(context.run, 'btrfs', ['subvolume', 'create', join(top, 'persist')]);
  fillBlank(join(top, 'root-blank'));
  writeFileSync(join(top, 'persist/kept.txt'), 'This survives every boot, and every prune.\n');
  await must(context.run, 'btrfs', ['property', 'set', '-ts', join(top, 'root-blank'), 'ro', 'true']);
  mkdirSync(join(top, 'old_roots'));
  const fresh = async (): Promise<void> => {
    await must(context.run, 'btrfs', ['subvolume', 'snapshot', join(top, 'root-blank'), join(top, 'root')]);
  };
  await fresh();
  for (const [number, days] of BOOTS.entries()) {
    const time = bootTime(context.now, days);
    fillBoot(join(top, 'root'), number, time);
    if (number === 2) await must(context.run, 'btrfs', ['subvolume', 'create', join(top, 'root/var/lib/machines')]);
    renameSync(join(top, 'root'), join(top, 'old_roots', nameOf(time)));
    await fresh();
  }
  fillBoot(join(top, 'root'), BOOTS.length, context.now);
  await must(context.run, 'umount', [top]);
  await must(context.run, 'mount', ['-t', 'btrfs', '-o', 'subvol=root', device, join(folder, 'live')]);
  return `device = ${JSON.stringify(device)}\nlive = "root"\nblank = "root-blank"\narchive = "old_roots"\n`;
}

function buildOnDirectories(context: Context, folder: string): string {
  for (const name of ['blank', 'old_roots']) mkdirSync(join(folder, name));
  fillBlank(join(folder, 'blank'));
  for (const [number, days] of BOOTS.entries()) {
    const time = bootTime(context.now, days);
    const root = join(folder, 'old_roots', nameOf(time));
    mkdirSync(root);
    fillBlank(root);
    fillBoot(root, number, time);
  }
  fillBlank(join(folder, 'live'));
  fillBoot(join(folder, 'live'), BOOTS.length, context.now);
  const path = (name: string): string => JSON.stringify(join(folder, name));
  return `backend = "directory"\nlive = ${path('live')}\nblank = ${path('blank')}\narchive = ${path('old_roots')}\n`;
}

function bootTime(now: Date, daysAgo: number): Date {
  return new Date(Math.floor((now.getTime() - daysAgo * DAY) / 1000) * 1000);
}

/** `2026-11-20_18:20:00`, as the snippets name them. */
function nameOf(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', '_');
}

function fillBlank(root: string): void {
  for (const name of ['etc', 'home', 'nix', 'tmp', 'var', 'var/lib', 'var/log']) mkdirSync(join(root, name));
}

/** What a boot leaves on its root. The thesis is written at the last boot but three, and at no other. */
function fillBoot(root: string, number: number, time: Date): void {
  const write = (name: string, text: string, owner = 0): void => {
    const path = join(root, name);
    writeFileSync(path, text);
    if (process.geteuid?.() === 0) chownSync(path, owner, owner);
    utimesSync(path, time, time);
  };
  write('etc/machine-id', `${String(number).padStart(32, '0')}\n`);
  symlinkSync('/etc/static/passwd', join(root, 'etc/passwd'));
  write('var/log/boot.log', `boot ${String(number)} at ${time.toISOString()}\n`);
  mkdirSync(join(root, 'home/alice/.config'), { recursive: true });
  write('home/alice/.config/editor.toml', `font_size = ${String(12 + (number % 3))}\n`, 1000);
  if (number === BOOTS.length - 4)
    write('home/alice/thesis.txt', `${'It was a dark and stormy night, and nothing was persisted. '.repeat(40)}\n`, 1000);
}

/** Removes all scratch machines of this user. Returns their folders. */
export async function cleanDemos(context: Context): Promise<string[]> {
  const folders = readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter(isOurs);
  for (const folder of folders) await cleanFolder(context.run, folder);
  return folders;
}

/** The folder is for everybody's temporary files, so a name says nothing: it must be ours, a real directory, and bear the mark. */
function isOurs(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.geteuid?.() && existsSync(join(folder, MARK));
}

async function cleanFolder(run: Run, folder: string): Promise<void> {
  for (const mount of readMountTable()
    .filter(({ mountPoint }) => toText(mountPoint).startsWith(`${folder}/`))
    .toReversed()) {
    await must(run, 'umount', [toText(mount.mountPoint)]);
  }
  const image = join(folder, 'disk.img');
  if (existsSync(image)) {
    const devices = (await must(run, 'losetup', ['--list', '--noheadings', '--output', 'NAME', '--associated', image])).split('\n');
    for (const device of devices.map((each) => each.trim()).filter((each) => each !== '')) await must(run, 'losetup', ['--detach', device]);
    await waitUntilDetached(run, image);
  }
  rmSync(folder, { recursive: true });
}

/** One that somebody else has open (another `roots ls` that looks at all filesystems) is let go of a moment later; without its name the image would stay on disk. */
async function waitUntilDetached(run: Run, image: string): Promise<void> {
  for (let patience = 50; patience > 0; patience -= 1) {
    if ((await must(run, 'losetup', ['--list', '--noheadings', '--output', 'NAME', '--associated', image])).trim() === '') return;
    await must(run, 'sleep', ['0.1']);
  }
  throw new RootsError('failed', `the loop device of ${image} is still in use`, { hint: 'try `roots demo --clean` again in a moment' });
}

async function must(run: Run, program: string, args: readonly string[]): Promise<string> {
  const result = await run(program, args);
  if (result.status !== 0) throw new RootsError('failed', `\`${program} ${args.join(' ')}\` failed: ${result.stderr}`);
  return result.stdout.toString('utf8');
}
