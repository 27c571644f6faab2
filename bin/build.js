#!/usr/bin/env node
/**
 * Bundles src/ and the packages that it imports into dist/: a file for each command, loaded only when that command runs, and chunks
 * that they share. dist/oclif.manifest.json says which file is which command, so that neither help nor dispatch loads any of them.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const written = await bundle();
removeAllBut(written);
await writeManifest();

async function bundle() {
  const result = await build({
    absWorkingDir: top,
    entryPoints: {
      cli: 'bin/cli.js',
      ...sources('commands'),
      ...sources('hooks'),
      ...(existsSync(join(top, 'src/help.ts')) && { help: 'src/help.ts' }),
    },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Less to read and compile at each start; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    // CommonJS packages ask for these.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
    },
    plugins: [{ name: 'unreached', setup: leaveOutUnreached }],
  });
  return new Set(Object.keys(result.metafile.outputs).map((path) => join(top, path)));
}

/** Entry points by their names in dist/: `commands/timer/enable` → src/commands/timer/enable.ts. */
function sources(folder) {
  const from = join(top, 'src', folder);
  const paths = existsSync(from) ? readdirSync(from, { recursive: true }) : [];
  return Object.fromEntries(
    paths.filter((path) => path.endsWith('.ts')).map((path) => [`${folder}/${path.slice(0, -'.ts'.length)}`, `src/${folder}/${path}`]),
  );
}

function leaveOutUnreached(plugin) {
  const names = Object.keys(UNREACHED).join('|');
  plugin.onResolve({ filter: new RegExp(`^(?:${names})$`) }, ({ path, importer }) =>
    importer.includes('/@oclif/core/') ? { path, namespace: 'unreached' } : undefined,
  );
  plugin.onLoad({ filter: /./, namespace: 'unreached' }, ({ path }) => ({ contents: UNREACHED[path], loader: 'js' }));
}

/** What an earlier build left. Files of the same name were replaced in place: somebody may be running `roots` at this moment. */
function removeAllBut(keep) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !keep.has(path) && entry.name !== 'oclif.manifest.json') rmSync(path);
  }
}

async function writeManifest() {
  settings.enableAutoTranspile = false;
  const pjson = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
  const plugin = new Plugin({ root: dist, pjson, type: 'core', isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  writeFileSync(join(dist, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`);
}
