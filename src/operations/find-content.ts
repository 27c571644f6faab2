/** Which of the files that were found hold what an expression says. */
import type { BytePath } from '../byte-path.ts';
import { Unreadable } from '../diff/tree.ts';
import { filesWith } from '../system/grep.ts';
import { hold } from '../system/sighting.ts';
import type { Context } from './context.ts';
import type { Sighting } from './versions.ts';

/** Held open at a time. */
const AT_ONCE = 256;

type Problem = (sighting: Sighting, why: string) => void;

/** The keys of those that do. What cannot be read does not. */
export async function thoseWith(
  context: Context,
  expression: string,
  files: ReadonlyMap<string, Sighting>,
  problem: Problem,
): Promise<ReadonlySet<string>> {
  const holding = new Set<string>();
  const all = [...files];
  for (let at = 0; at < all.length; at += AT_ONCE)
    for (const key of await grep(context, expression, all.slice(at, at + AT_ONCE), problem)) holding.add(key);
  return holding;
}

async function grep(
  { run, signal }: Context,
  expression: string,
  files: readonly (readonly [string, Sighting])[],
  problem: Problem,
): Promise<string[]> {
  const held = new Map<BytePath, { readonly key: string; readonly sighting: Sighting; readonly close: () => void }>();
  try {
    for (const [key, sighting] of files) {
      try {
        const { address, close } = hold(sighting.tree, sighting.path, sighting.entry);
        held.set(address, { key, sighting, close });
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        problem(sighting, error.why);
      }
    }
    const { matching, unread } = await filesWith(run, expression, [...held.keys()], signal);
    for (const [address, why] of unread) {
      const file = held.get(address);
      if (file !== undefined) problem(file.sighting, why);
    }
    return [...matching].flatMap((address) => held.get(address)?.key ?? []);
  } finally {
    for (const { close } of held.values()) close();
  }
}
