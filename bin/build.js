#!/usr/bin/env node
/**
 * Bundles src/ and the packages that it imports into dist/roots.cjs, which bin/run.js loads. One CommonJS file starts 30 ms faster than ES
 * modules, each of which is looked up and linked by itself; a module in it is evaluated when it is first imported, so of the commands only
 * the one that runs is. dist/oclif.manifest.json describes them all, for help and dispatch; bin/compile.js adds what is compiled.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core/config';
import { settings } from '@oclif/core/settings';
import { build } from 'esbuild';

const top = fileURLToPath(new URL('..', import.meta.url));
const dist = join(top, 'dist');

/**
 * Packages of @oclif/core that `roots` never reaches and that would cost a third of its start-up (TypeScript alone is 10 MB): its
 * transpiler, its search for plug-ins, for configuration files and for commands without a manifest, and the question whether this is WSL.
 */
const UNREACHED = {
  lilconfig: '',
  minimatch: '',
  semver: '',
  tinyglobby: '',
  typescript: '',
  'wsl-utils': 'module.exports = { isWsl: false };',
};

const BUILD_PLACE = '0'.repeat(16);

const OPTIONS = {
  absWorkingDir: top,
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  // Less to read and compile at each start; names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
  // vm.Script, which bin/run.js uses, has no import().
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: `/*${BUILD_PLACE}*/\nconst importMetaUrl = require('node:url').pathToFileURL(__filename).href;` },
  write: false,
  logLevel: 'warning',
};

mkdirSync(dist, { recursive: true });
const written = [
  ...(await bundle('roots', { contents: entry(), plugins: [{ name: 'leave-out', setup: leaveOut }] })),
  // What import() gives of a CommonJS file is its `module.exports`, as `default`.
  ...(await bundle('inquirer', { contents: "module.exports = require('inquirer').default;" })),
];
written.push(await writeManifest());
removeAllBut(written);
compile();

async function bundle(name, { contents, plugins = [] }) {
  const { outputFiles } = await build({ ...OPTIONS, stdin: { contents, resolveDir: top }, entryNames: name, plugins });
  // Of all parts, maps included, so that what is compiled of one build is never taken for another's (bin/run.js).
  const id = outputFiles.reduce((hash, { contents }) => hash.update(contents), createHash('sha256')).digest('hex');
  return outputFiles.map(({ path, text }) =>
    replaceFile(path, text.replace(`/*${BUILD_PLACE}*/`, `/*${id.slice(0, BUILD_PLACE.length)}*/`)),
  );
}

/** Each command by its id: `timer:enable` is src/commands/timer/enable.ts. */
function entry() {
  const names = readdirSync(join(top, 'src/commands'), { recursive: true }).flatMap((path) => /^(.*)\.ts$/.exec(path)?.[1] ?? []);
  const loaders = names.map((name) => `'${name.replaceAll('/', ':')}': async () => (await import('./src/commands/${name}.ts')).default,`);
  return `export { cli } from './bin/cli.js';\nexport const commands = {\n${loaders.join('\n')}\n};\n`;
}

function leaveOut(plugin) {
  const names = Object.keys(UNREACHED).join('|');
  plugin.onResolve({ filter: new RegExp(`^(?:${names})$`) }, ({ path, importer }) =>
    importer.includes('/@oclif/core/') ? { path, namespace: 'unreached' } : undefined,
  );
  plugin.onLoad({ filter: /./, namespace: 'unreached' }, ({ path }) => ({ contents: UNREACHED[path], loader: 'js' }));
  // Nearly as large as all the rest, and wanted only where something is asked: a bundle of its own.
  plugin.onResolve({ filter: /^inquirer$/ }, ({ kind }) =>
    kind === 'entry-point' ? undefined : { path: './inquirer.cjs', external: true },
  );
}

async function writeManifest() {
  settings.enableAutoTranspile = false;
  const pjson = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
  const { commands } = createRequire(import.meta.url)('../dist/roots.cjs');
  class Bundled extends Plugin {
    getCommandIDs() {
      return Object.keys(commands);
    }

    async findCommand(id) {
      return Object.assign(await commands[id](), { id, plugin: this });
    }
  }
  const plugin = new Bundled({ root: dist, pjson, type: 'core', isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  return replaceFile(join(dist, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}

/** As a whole: somebody may be running `roots` at this moment. */
function replaceFile(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return path;
}

/** What an earlier build left. */
function removeAllBut(keep) {
  for (const name of readdirSync(dist)) {
    if (!keep.includes(join(dist, name))) rmSync(join(dist, name), { recursive: true });
  }
}

/** In a process of its own, in which nothing else has been compiled. */
function compile() {
  const { status } = spawnSync(process.execPath, [join(top, 'bin/compile.js')], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.stderr.write('dist/compiled/ could not be made: `roots` works all the same, and starts slower\n');
}
