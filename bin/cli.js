import { createRequire } from 'node:module';
import { handle } from '@oclif/core/handle';
import { run } from '@oclif/core/run';

/** Runs the command line with the commands that lie below `root`: dist/, or src/ while developing. */
export async function cli(root) {
  const pjson = createRequire(import.meta.url)('../package.json');
  try {
    // No plug-ins: oclif would otherwise load those that the user's data folder names, as root.
    await run(process.argv.slice(2), { root, pjson, userPlugins: false, devPlugins: false });
  } catch (error) {
    await handle(error);
  }
}
