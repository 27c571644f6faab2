/**
 * Boots the test machine (image/build.sh) and runs one script in it: an emulated PC, so it needs neither KVM nor modules of this kernel. What
 * the script writes comes back through a shared folder; the console is a log and nothing more.
 *
 *     /run/host            the shared folder, there and here `Guest.folder`
 *     /run/host/results    for the script to write to; its own output is in output.log beside it
 *     /run/host/files      what else is given to it
 *     /usr/lib/roots       the built program, started by /usr/bin/roots
 *     /usr/local/bin/node  the Node that runs this, if it runs there too; else the image has one
 *     /dev/vdb, …          the disks, empty
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface GuestOptions {
  /** A file that the guest executes; what it does not end with status 0 has failed. */
  readonly script: string;
  /** `systemd`: in a unit, after a whole boot. `init`: instead of an init, which takes a third of the time. */
  readonly boot: 'systemd' | 'init';
  readonly diskMiB?: readonly number[];
  /** More files and folders for /run/host/files: where each is here, by its name there. */
  readonly files?: Readonly<Record<string, string>>;
  /** A hang, not slowness: emulation on a loaded machine takes long. */
  readonly limitSeconds: number;
}

export interface Guest {
  /** Holds console.log, share/output.log and share/results/. */
  readonly folder: string;
  /** Why it is no success, with the last lines of what it said; null if its script said that it is. */
  readonly failure: string | null;
  /** A file that the script wrote into its results. */
  readonly result: (name: string) => string;
  remove(): void;
}

/** Throws, and keeps the folder, unless the script said that it has succeeded. */
export async function runInGuest(options: GuestOptions): Promise<Guest> {
  const guest = await tryInGuest(options);
  if (guest.failure !== null) throw new Error(`${guest.failure}; kept: ${guest.folder}`);
  return guest;
}

/** For what is good for something even if the script did not come to its end. */
export async function tryInGuest(options: GuestOptions): Promise<Guest> {
  const image = execFileSync(join(here, 'image/build.sh'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  const folder = mkdtempSync(join(tmpdir(), 'roots-vm-'));
  const share = join(folder, 'share');
  fillShare(share, options);
  const disks = (options.diskMiB ?? []).map((size, at) => emptyDisk(join(folder, `disk-${String(at + 1)}`), size));
  const ending = await emulate(folder, image, disks, options);
  const verdict = readIfThere(join(share, 'verdict')).trim();
  const why = verdict === '' ? `it ended without a verdict (${ending})` : `its script ended with status ${verdict}`;
  return {
    folder,
    failure: verdict === '0' ? null : `${lastLines(share, folder)}\n${options.script} in the test machine: ${why}`,
    result: (name) => readFileSync(join(share, 'results', name), 'utf8'),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '../..');

/** The program is copied: somebody may build while the machine runs. */
function fillShare(share: string, { script, files = {} }: GuestOptions): void {
  for (const name of ['results', 'files']) mkdirSync(join(share, name), { recursive: true });
  for (const [name, from] of Object.entries(files)) cpSync(from, join(share, 'files', name), { recursive: true });
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(top, name), join(share, 'roots', name), { recursive: true });
  cpSync(join(here, 'guest/units'), join(share, 'units'), { recursive: true });
  for (const [from, to] of [
    [join(here, 'guest/start.sh'), 'start'],
    [script, 'script'],
    [process.execPath, 'node'],
  ] as const) {
    copyFileSync(from, join(share, to));
    chmodSync(join(share, to), 0o755);
  }
}

function emptyDisk(file: string, sizeMiB: number): string {
  const descriptor = openSync(file, 'wx');
  ftruncateSync(descriptor, sizeMiB * 1024 * 1024);
  closeSync(descriptor);
  return file;
}

/** How it ended, in words. */
async function emulate(folder: string, image: string, disks: readonly string[], { boot, limitSeconds }: GuestOptions): Promise<string> {
  const init = boot === 'systemd' ? ['systemd.unit=roots-test.service', 'systemd.show_status=no'] : ['init=/run/host/start'];
  // Translated code is found again by its address: with programs at random ones each start translates anew, which is more than half of what a
  // program costs (QEMU 7.2: 31 ms against 10 for `true`).
  const kernel = ['console=ttyS0', 'quiet', 'panic=-1', 'mitigations=off', 'nokaslr', 'norandmaps', 'audit=0', ...init];
  const drive = (file: string, how: string): string[] => ['-drive', `file=${file},format=raw,if=virtio,${how}`];
  const args = [
    // KVM is there on many machines and dies on some of them. One processor: a second one makes everything cost a fifth more, and a boot twice as much
    // (QEMU 7.2), and there are two machines at a time. Page tables of five levels take longer to walk than of four.
    ...['-accel', 'tcg', '-cpu', 'max,la57=off', '-smp', '1', '-m', '2048'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${join(folder, 'console.log')}`],
    ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd'), '-append', kernel.join(' ')],
    ...drive(join(image, 'disk'), 'snapshot=on'),
    ...disks.flatMap((file) => drive(file, 'cache=unsafe')),
    ...['-virtfs', `local,path=${join(folder, 'share')},mount_tag=host,security_model=none,multidevs=remap`],
    ...['-device', 'virtio-rng-pci'],
  ];
  // It ends with this process, however that ends.
  const command = ['--pdeathsig', 'TERM', 'timeout', '--kill-after=10', String(limitSeconds), 'qemu-system-x86_64', ...args];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return status === 124 ? `more than ${String(limitSeconds)} s` : `status ${String(status)}${said === '' ? '' : `: ${said.trim()}`}`;
}

function lastLines(share: string, folder: string): string {
  const files = [join(folder, 'console.log'), join(share, 'output.log')];
  return files.flatMap((file) => [`--- ${file}`, ...readIfThere(file).trimEnd().split('\n').slice(-15)]).join('\n');
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
