#!/usr/bin/env node
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const require = module.createRequire(`${dist}roots.cjs`);

if (process.argv.length === 3 && process.argv[2] === '--version') showVersion();
else await start();

async function start() {
  // Else oclif looks for a tsconfig.json and for TypeScript whenever NODE_ENV is `test` or `development`.
  globalThis.oclif = { ...globalThis.oclif, enableAutoTranspile: false };
  const { cli, commands } = load();
  await cli({ root: dist, commands });
}

/** What oclif would print, without the time to load it. */
function showVersion() {
  const { name, version } = require('../package.json');
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
}

/** As `require` would, but with what the build kept of an earlier compilation (bin/compile.js): 40 ms less. */
function load() {
  const filename = `${dist}roots.cjs`;
  // vm.Script knows no source maps.
  if (process.sourceMapsEnabled) return require(filename);
  const source = readBundle(filename);
  const script = new Script(module.wrap(source), { filename, cachedData: compiledCode(source) });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, require, bundle, filename, dist);
  return bundle.exports;
}

function readBundle(filename) {
  try {
    return readFileSync(filename, 'utf8');
  } catch (error) {
    process.stderr.write(`roots: it is not built yet (npm run build): ${error.message}\n`);
    return process.exit(1);
  }
}

/**
 * V8 checks that the code is of its own version, but not that it is of this source, nor that it means no harm: so it bears the name of the
 * build, and is taken only where nobody but root and we could have put it. Without it all is as well, and slower.
 */
function compiledCode(source) {
  const build = /^\/\*(\w+)\*\//.exec(source)?.[1];
  let file;
  try {
    file = openSync(`${dist}compiled/${build}-${process.version}-${process.arch}`);
    const { uid, mode } = fstatSync(file);
    return [0, process.geteuid()].includes(uid) && (mode & 0o022) === 0 ? readFileSync(file) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
