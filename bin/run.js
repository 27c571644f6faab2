#!/usr/bin/env node
import { statSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

if (process.argv.length === 3 && process.argv[2] === '--version') showVersion();
else await start();

async function start() {
  keepCompiledCode();
  // Else oclif looks for a tsconfig.json and for TypeScript whenever NODE_ENV is `test` or `development`.
  globalThis.oclif = { ...globalThis.oclif, enableAutoTranspile: false };
  const { cli } = await import('../dist/cli.js').catch(notBuilt);
  await cli(dist);
}

/** What oclif would print, without the time to load it. */
function showVersion() {
  const { name, version } = module.createRequire(import.meta.url)('../package.json');
  process.stdout.write(`${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`);
}

/**
 * Node 22.1+ can keep compiled code. Its default place is the temporary folder, where whoever comes first would choose what root
 * executes: so only beside the code itself, and only where that is ours.
 */
function keepCompiledCode() {
  if (module.enableCompileCache === undefined) return;
  if (statSync(dist, { throwIfNoEntry: false })?.uid === process.geteuid?.()) module.enableCompileCache(`${dist}.cache`);
}

function notBuilt(error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write(`roots: it is not built yet (npm run build): ${error.message}\n`);
  process.exit(1);
}
