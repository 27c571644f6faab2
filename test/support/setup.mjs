/**
 * Makes a fresh clone ready for `npm test` and `npm run demo`, with the argument `vm` for `npm run test:vm` and `bench` for `npm run bench`: packages, programs, build. Says
 * one line for each thing that it does and nothing when all is there. Runs before anything is installed, so it imports nothing but Node.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

/** By the Debian package that has them. Some tests are skipped where one is missing. */
const PROGRAMS = {
  'btrfs-progs': ['btrfs', 'mkfs.btrfs'],
  attr: ['getfattr', 'setfattr'],
  acl: ['getfacl', 'setfacl'],
  e2fsprogs: ['mkfs.ext4', 'chattr', 'lsattr'],
  mount: ['mount', 'umount', 'losetup'],
  'util-linux': ['unshare', 'nsenter', 'findmnt', 'flock', 'setpriv'],
  bsdutils: ['script'],
  procps: ['ps'],
  rsync: ['rsync'],
  patch: ['patch'],
  coreutils: ['cp', 'mkfifo'],
  findutils: ['find', 'xargs'],
  'libcap2-bin': ['setcap', 'getcap'],
  mandoc: ['mandoc'],
  systemd: ['systemd-analyze'],
};

/** What builds and runs the test machine. */
const VM_PROGRAMS = {
  'qemu-system-x86': ['qemu-system-x86_64'],
  mmdebstrap: ['mmdebstrap'],
};

/** What is measured beside it. */
const BENCH_PROGRAMS = {
  diffutils: ['diff'],
  snapper: ['snapper'],
};

checkNode();
installPackages();
installPrograms();
build();

function checkNode() {
  const wanted = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')).engines.node.replace(/^>=/, '');
  const order = wanted.localeCompare(process.versions.node, 'en', { numeric: true });
  if (order > 0) fail(`this is Node ${process.versions.node}; it needs ${wanted} or newer`);
}

function installPackages() {
  // What npm writes at the end of an installation.
  const installed = join(top, 'node_modules/.package-lock.json');
  if (modified(installed) >= modified(join(top, 'package-lock.json'))) return;
  say('installing the packages of package-lock.json (npm ci)');
  run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], 'ignore');
}

function installPrograms() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([debianPackage]) => debianPackage))];
  if (process.geteuid() === 0 && findProgram('apt-get')) {
    say(`installing ${packages.join(', ')} (apt-get)`);
    const quietly = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, stdio: ['ignore', 'ignore', 'inherit'] };
    // Old lists may name versions that are gone. If this fails, what is there may still do.
    spawnSync('apt-get', ['update', '-qq'], quietly);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quietly);
  }
  for (const [debianPackage, program] of missingPrograms()) say(`missing: ${program} (Debian package ${debianPackage}); going on without`);
}

function build() {
  const built = modified(join(top, 'dist/oclif.manifest.json'));
  const sources = ['src', 'bin', 'package.json', 'package-lock.json'].flatMap((path) => filesBelow(join(top, path)));
  if (sources.every((path) => modified(path) <= built)) return;
  say('building dist/');
  run(process.execPath, [join(top, 'bin/build.js')]);
}

function missingPrograms() {
  const more = { vm: VM_PROGRAMS, bench: BENCH_PROGRAMS }[process.argv[2]];
  const wanted = { ...PROGRAMS, ...more };
  return Object.entries(wanted).flatMap(([debianPackage, programs]) =>
    programs.filter((program) => !findProgram(program)).map((program) => [debianPackage, program]),
  );
}

/** Debian keeps the sbin folders out of the path of ordinary users. */
function findProgram(program) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Milliseconds; 0 if it does not exist. */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  // With the folder itself: removing a file changes nothing else.
  return [path, ...readdirSync(path, { recursive: true }).map((name) => join(path, name))];
}

function run(program, args, stdout = 'inherit') {
  const { status, error } = spawnSync(program, args, { cwd: top, stdio: ['ignore', stdout, 'inherit'] });
  if (error) fail(`${program} could not be started: ${error.message}`);
  if (status !== 0) fail(`${[program, ...args].join(' ')} failed`);
}

function say(text) {
  console.log(`setup: ${text}`);
}

function fail(text) {
  console.error(`setup: ${text}`);
  process.exit(1);
}
