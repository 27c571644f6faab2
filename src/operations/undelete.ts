/**
 * `roots undelete`: one old root back out of the trash.
 */
import { toText } from '../byte-path.ts';
import { RootsError, messageOf } from '../errors.ts';
import type { Context } from './context.ts';
import { judgeArchive, type JudgedRoot, type JudgedTrash } from './judge.ts';
import { RemovalLog } from './removal-log.ts';
import { withTargets, type Target } from './targets.ts';

export interface UndeleteResult {
  readonly trashed: JudgedTrash;
  /** As it is now; null if it cannot be found right after (somebody else moved it). */
  readonly judged: JudgedRoot | null;
  /** For people. */
  readonly warnings: readonly string[];
}

/** `pin`: so that the next prune leaves it. Errors: `not-found`, `usage` if more than one is meant, `locked`, `failed` if its name is taken. */
export async function undelete(context: Context, ref: string, options: { readonly pin: boolean }): Promise<UndeleteResult> {
  return withTargets(context, { access: 'write' }, async (targets) => {
    const { target } = await resolveTrash(context, targets, ref);
    const { backend } = target;
    const lock = await backend.lock('exclusive');
    try {
      // Read again under the lock: what was resolved may have gone meanwhile.
      const trashed = matching((await judgeArchive(context, target)).trash, [target], ref);
      const log = new RemovalLog(context, target);
      await takeBack(trashed, log);
      const root = find((await judgeArchive(context, target)).roots, trashed);
      if (root !== null && options.pin) await backend.setPin(root.root, { note: 'undeleted', at: context.now });
      await backend.flush();
      const judged = options.pin ? find((await judgeArchive(context, target)).roots, trashed) : root;
      return { trashed, judged, warnings: await log.close() };
    } finally {
      await lock.release();
    }
  });
}

/** Errors: as those of `Backend.undelete`. */
async function takeBack({ target, root, name }: JudgedTrash, log: RemovalLog): Promise<void> {
  const told = { name, id: root.id, reasons: [] };
  await log.write([{ event: 'undeleting', ...told }]);
  try {
    await target.backend.undelete(root);
  } catch (error) {
    await log.write([{ event: 'failed', ...told, fromTrash: true, error: messageOf(error) }]);
    throw error;
  }
  await log.write([{ event: 'undeleted', ...told }]);
}

function find(roots: readonly JudgedRoot[], { name, root }: JudgedTrash): JudgedRoot | null {
  return roots.find((each) => each.name === name && each.root.id === root.id) ?? null;
}

async function resolveTrash(context: Context, targets: readonly Target[], ref: string): Promise<JudgedTrash> {
  const all: JudgedTrash[] = [];
  for (const target of targets) all.push(...(await judgeArchive(context, target)).trash);
  return matching(all, targets, ref);
}

/** From the most exact reading to the least. `all` are those last removed first, target by target. */
function matching(all: readonly JudgedTrash[], targets: readonly Target[], ref: string): JudgedTrash {
  const colon = ref.indexOf(':');
  const target = colon === -1 ? undefined : targets.find(({ name }) => name === ref.slice(0, colon));
  const among = target === undefined ? all : all.filter((each) => each.target === target);
  const rest = target === undefined ? ref : ref.slice(colon + 1);
  const readings: ((each: JudgedTrash) => boolean)[] = [
    // In the archive its name is its own, even where the same name was removed twice.
    ({ root }) => toText(root.name) === rest,
    ({ name }) => name === rest,
    (each) => rest === 'latest' && each === newest(among),
    ({ name }) => rest !== '' && name.startsWith(rest),
  ];
  for (const reading of readings) {
    const [first, ...others] = among.filter(reading);
    if (first !== undefined && others.length === 0) return first;
    if (first !== undefined) throw ambiguous(ref, [first, ...others]);
  }
  throw new RootsError('not-found', `there is no \`${ref}\` in the trash`, {
    hint:
      all.length === 0
        ? 'the trash is empty'
        : '`roots ls` shows what is in the trash; one is named by its name, the start of it, or `latest`',
  });
}

/** Several may have been removed at once; of those the newest root. */
function newest(trash: readonly JudgedTrash[]): JudgedTrash | undefined {
  return trash.toSorted(
    (a, b) => b.root.trashedAt.getTime() - a.root.trashedAt.getTime() || b.root.archivedAt.getTime() - a.root.archivedAt.getTime(),
  )[0];
}

function ambiguous(ref: string, found: readonly JudgedTrash[]): RootsError {
  const sameName = new Set(found.map(({ name, target }) => `${target.name}:${name}`)).size < found.length;
  const labels = found.slice(0, 8).map(({ target, name, root }) => `${target.name}:${sameName ? toText(root.name) : name}`);
  return new RootsError('usage', `\`${ref}\` could be any of ${String(found.length)} in the trash`, {
    hint: `say which: ${labels.join(', ')}`,
  });
}
