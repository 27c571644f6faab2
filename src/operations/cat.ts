/**
 * `roots cat`: what is in one file of a tree.
 */
import { printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { openFileBeneath, type OpenFile } from '../system/old-file.ts';
import type { Context } from './context.ts';
import { findLivePath } from './live-path.ts';
import { resolveRoot } from './resolve-root.ts';
import { withTargets } from './targets.ts';

export type { OpenFile };

export interface CatOptions {
  readonly root: string;
  /** As it was on the live system: absolute. */
  readonly path: BytePath;
}

/** The file is open while `use` runs. Errors: `not-found`; `failed` for what is no regular file. */
export async function readOldFile(
  context: Context,
  { root: ref, path }: CatOptions,
  use: (file: OpenFile) => Promise<void>,
): Promise<void> {
  await withTargets(context, { access: 'read' }, async (targets) => {
    const root = await resolveRoot(context, targets, ref);
    const live = findLivePath([root.target], path);
    const file = openIn(await root.target.backend.pathOf(root.tree), live.inside, { path, label: root.label, warning: live.warning });
    try {
      await use(file);
    } finally {
      file.close();
    }
  });
}

function openIn(
  root: BytePath,
  inside: BytePath,
  { path, label, warning }: { readonly path: BytePath; readonly label: string; readonly warning: string | null },
): OpenFile {
  try {
    return openFileBeneath(root, inside);
  } catch (error) {
    if (!(error instanceof RootsError)) throw error;
    const hint =
      error.kind === 'not-found'
        ? (warning ?? '`roots history PATH` shows which old roots have it')
        : `\`roots restore ${printable(path)} --from ${label} --to DIRECTORY\` brings anything out`;
    throw new RootsError(error.kind, `${label}: ${error.message}`, { hint: error.kind === 'not-permitted' ? (error.hint ?? hint) : hint });
  }
}
