/** Programs for the test machine, each as one file: there are no packages and no sources in it, and its Node reads no TypeScript. */
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Puts suite.mjs and actor.mjs into a folder. */
export async function bundleSuite(folder: string): Promise<void> {
  await bundleForGuest({ suite: `${here}guest/suite.ts`, actor: `${here}../backend-suite/actor.ts` }, folder);
}

/** Puts NAME.mjs into a folder for each program. What they use of vitest is that of guest/vitest.ts. */
export async function bundleForGuest(programs: Readonly<Record<string, string>>, folder: string): Promise<void> {
  await build({
    entryPoints: programs,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { vitest: `${here}guest/vitest.ts` },
    // Packages that are CommonJS ask for it.
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
}
