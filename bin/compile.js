#!/usr/bin/env node
/**
 * Keeps what V8 compiles of dist/roots.cjs, in dist/compiled/, for the Node that runs this: it saves 40 ms of each start.
 * Functions are compiled when they are first called, so commands are run that change nothing, on an archive of plain directories made for it.
 * The build runs this; so may whoever packages `roots` for another Node. Nothing else ever writes there: root executes it.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const filename = join(dist, 'roots.cjs');
// As in bin/run.js.
const source = readFileSync(filename, 'utf8');
const build = /^\/\*(\w+)\*\//.exec(source)[1];
const script = new Script(module.wrap(source), { filename });

const COMMANDS = [
  // With --size it starts a program.
  ['ls', '--size'],
  ['diff', 'latest'],
  ['find', 'file'],
  ['history', '/file'],
  ['restore', '/file', '--dry-run'],
  ['prune', '--dry-run'],
];

await withArchive(runCommands);
keep(join(dist, 'compiled'), `${build}-${process.version}-${process.arch}`, script.createCachedData());

async function runCommands(config) {
  globalThis.oclif = { enableAutoTranspile: false };
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, module.createRequire(filename), bundle, filename, dist);
  const write = process.stdout.write;
  process.stdout.write = () => true;
  for (const command of COMMANDS) {
    process.argv.splice(2, Infinity, ...command, '--config', config);
    await bundle.exports.cli({ root: dist, commands: bundle.exports.commands });
    if (process.exitCode) throw new Error(`roots ${command.join(' ')} ended with ${process.exitCode}`);
  }
  process.stdout.write = write;
}

async function withArchive(use) {
  const folder = mkdtempSync(join(tmpdir(), 'roots-build-'));
  try {
    for (const path of ['live', 'blank', 'archive/2026-11-19_08:00:00', 'archive/2026-11-20_08:00:00', 'archive/unknown']) {
      mkdirSync(join(folder, path), { recursive: true });
    }
    for (const name of ['2026-11-19_08:00:00', '2026-11-20_08:00:00']) writeFileSync(join(folder, 'archive', name, 'file'), name);
    const config = join(folder, 'roots.toml');
    const paths = ['live', 'blank', 'archive'].map((name) => `${name} = ${JSON.stringify(join(folder, name))}\n`);
    writeFileSync(config, `[targets.root]\nbackend = "directory"\n${paths.join('')}[targets.root.keep]\nlast = 1\n`, { mode: 0o600 });
    await use(config);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Readable for all, and writable for nobody else whatever the umask: bin/run.js asks for that. */
function keep(folder, name, data) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.new`), data);
  chmodSync(join(folder, `${name}.new`), 0o644);
  renameSync(join(folder, `${name}.new`), join(folder, name));
}
