/**
 * `[TARGET:]REF`: which tree a person means. Where two could be meant, nothing is chosen.
 */
import type { TreeRef } from '../backend/backend.ts';
import { printable, printableText } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import { parseMoment, type Moment } from '../retention/moment.ts';
import type { Context } from './context.ts';
import { judgeArchive, type JudgedArchive, type JudgedRoot } from './judge.ts';
import type { Target } from './targets.ts';

export interface ResolvedRoot {
  readonly target: Target;
  readonly tree: TreeRef;
  /** `root:2026-11-20_18:20:00`, `root:live`: unambiguous, and safe to print. */
  readonly label: string;
  /** Set if it is an old root. */
  readonly judged: JudgedRoot | null;
  /** 1 for the newest; null if it is no old root. */
  readonly number: number | null;
}

/** Errors: `not-found`, or `usage` if more than one is meant. */
export async function resolveRoot(context: Context, targets: readonly Target[], ref: string): Promise<ResolvedRoot> {
  const { among, rest } = splitRef(targets, ref);
  const found: ResolvedRoot[] = [];
  for (const target of among) found.push(...matches(context, await judgeArchive(context, target), rest));
  const [first, ...others] = found;
  if (first === undefined) {
    throw new RootsError('not-found', `there is no root \`${printableText(ref)}\``, {
      hint: '`roots ls` shows which there are; a root is named by its name, the start of it, its number, a date, `latest`, `live` or `blank`',
    });
  }
  if (others.length > 0) {
    throw new RootsError('usage', `\`${printableText(ref)}\` could be any of ${String(found.length)} roots`, {
      hint: `say which: ${listed(found.map((each) => each.label))}`,
    });
  }
  return first;
}

/** All old roots of a target, newest first; those from the future come last, since nobody knows when that was. */
export async function oldRootsOf(context: Context, target: Target): Promise<ResolvedRoot[]> {
  return pastFirst(context, await judgeArchive(context, target));
}

/** All that a lost file may be in: the old roots in that order, then trees of which nobody knows when they were archived. */
export async function readableRootsOf(context: Context, target: Target): Promise<ResolvedRoot[]> {
  const archive = await judgeArchive(context, target);
  return [...pastFirst(context, archive), ...unrecognisedTrees(archive)];
}

function pastFirst({ now }: Context, archive: JudgedArchive): ResolvedRoot[] {
  const all = numbered(archive);
  return [...all.filter((each) => isPast(each, now)), ...all.filter((each) => !isPast(each, now))];
}

function isPast({ judged }: ResolvedRoot, now: Date): boolean {
  return judged !== null && judged.root.archivedAt <= now;
}

function numbered(archive: JudgedArchive): ResolvedRoot[] {
  return archive.roots.map((judged, at) => ({
    target: judged.target,
    tree: judged.root,
    label: `${judged.target.name}:${judged.name}`,
    judged,
    number: at + 1,
  }));
}

function listed(labels: readonly string[]): string {
  const shown = labels.slice(0, 8).join(', ');
  return labels.length > 8 ? `${shown}, …` : shown;
}

/** Names of old roots hold colons too, so only the name of a target before the first one makes a prefix. */
function splitRef(targets: readonly Target[], ref: string): { among: readonly Target[]; rest: string } {
  const colon = ref.indexOf(':');
  const target = colon === -1 ? undefined : targets.find((each) => each.name === ref.slice(0, colon));
  return target === undefined ? { among: targets, rest: ref } : { among: [target], rest: ref.slice(colon + 1) };
}

/** From the most exact reading to the least; the first that finds anything counts. */
function matches(context: Context, archive: JudgedArchive, ref: string): ResolvedRoot[] {
  const all = numbered(archive);
  const exact = all.filter((each) => each.judged?.name === ref);
  if (exact.length > 0) return exact;
  if (ref === 'live' || ref === 'blank') return archive.target.backend.location[ref] === null ? [] : [specialTree(archive.target, ref)];
  const steps = stepsBack(ref);
  if (steps !== undefined) return latest(all, context.now, steps);
  const numberOfList = all.filter((each) => String(each.number) === ref);
  if (numberOfList.length > 0) return numberOfList;
  const unrecognised = unrecognisedTrees(archive).filter((each) => each.label === `${archive.target.name}:${ref}`);
  if (unrecognised.length > 0) return unrecognised;
  const moment = parseMoment(ref, context.config.timezone);
  const dated = moment === undefined ? [] : ofMoment(all, moment);
  return dated.length > 0 ? dated : all.filter((each) => ref !== '' && each.judged?.name.startsWith(ref) === true);
}

/** `latest` is 0, `latest~2` is 2. */
function stepsBack(ref: string): number | undefined {
  const back = /^latest(?:~(\d{1,6}))?$/.exec(ref);
  return back === null ? undefined : Number(back[1] ?? 0);
}

/** A root from the future is not the newest: its clock was wrong. If all are, it is ours that is wrong now. */
function latest(newestFirst: readonly ResolvedRoot[], now: Date, steps: number): ResolvedRoot[] {
  const past = newestFirst.filter((each) => isPast(each, now));
  const root = (past.length > 0 ? past : newestFirst)[steps];
  return root === undefined ? [] : [root];
}

/** Those that were archived in that stretch of time, which is what most are named by; else those that were live in it. */
function ofMoment(newestFirst: readonly ResolvedRoot[], moment: Moment): ResolvedRoot[] {
  const archived = newestFirst.filter(
    ({ judged }) => judged !== null && judged.root.archivedAt >= moment.start && judged.root.archivedAt < moment.end,
  );
  return archived.length > 0 ? archived : liveAt(newestFirst, moment);
}

/**
 * The roots that were live in that moment: begun before its end, archived after its start. Where the beginning of a root is not known, it
 * is the time at which the one before it was archived; of the oldest it is then not known at all, and a day long before it is not its.
 */
function liveAt(newestFirst: readonly ResolvedRoot[], moment: Moment): ResolvedRoot[] {
  return newestFirst.filter((each, at) => {
    const root = each.judged?.root;
    const before = newestFirst[at + 1]?.judged?.root;
    if (root === undefined) return false;
    const begun = root.bootedAt ?? before?.archivedAt ?? root.archivedAt;
    return begun < moment.end && root.archivedAt >= moment.start;
  });
}

export function specialTree(target: Target, tree: 'live' | 'blank'): ResolvedRoot {
  return { target, tree, label: `${target.name}:${tree}`, judged: null, number: null };
}

/** They are never removed, but a lost file may well be in one. */
function unrecognisedTrees(archive: JudgedArchive): ResolvedRoot[] {
  return archive.unrecognised.flatMap(({ tree }) =>
    tree === null
      ? []
      : [{ target: archive.target, tree, label: `${archive.target.name}:${printable(tree.name)}`, judged: null, number: null }],
  );
}
