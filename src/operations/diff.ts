/**
 * `roots diff`: what changed from one tree to another.
 */
import { printable, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Narrowing, NarrowingEngine } from '../backend/backend.ts';
import type { Candidates } from '../diff/candidates.ts';
import type { Change } from '../diff/change.ts';
import { Hiding, whyHidden, type HiddenFor, type HidingRules } from '../diff/hide.ts';
import { narrowed } from '../diff/narrowed.ts';
import { withRenames } from '../diff/renames.ts';
import type { Tree } from '../diff/tree.ts';
import { walkDiff } from '../diff/walk.ts';
import type { Reports, Side } from '../diff/window.ts';
import { hasMoreEntriesThan } from '../system/tree-size.ts';
import { createTreeReader } from '../system/tree-reader.ts';
import type { Context } from './context.ts';
import { pathInside } from './live-path.ts';
import { resolveRoot, specialTree, type ResolvedRoot } from './resolve-root.ts';
import { withTargets, type Target } from './targets.ts';
import { NOTHING_HIDDEN, hidingRules } from './unimportant.ts';

/** How differences are found. What each finds is the same. */
export type Engine = 'walk' | NarrowingEngine;
export const ENGINES = ['walk', 'btrfs-send', 'zfs-diff'] as const satisfies readonly Engine[];

export interface DiffOptions {
  /** Undefined: the blank. */
  readonly from?: string | undefined;
  /** Undefined: the live root. */
  readonly to?: string | undefined;
  /** Nothing is hidden. */
  readonly all: boolean;
  /** Undefined: the one that is cheapest. */
  readonly engine?: Engine | undefined;
  /** Only what is at or below this path; absolute as on the live system, or relative to the root. */
  readonly within?: BytePath | undefined;
}

export interface DiffHeader {
  readonly from: string;
  readonly to: string;
  readonly engine: Engine;
  /** Why it is that one, for people. */
  readonly why: string;
}

export interface DiffOutcome extends DiffHeader {
  /** How many changes were not told, by why. */
  readonly hidden: Readonly<Record<HiddenFor, number>>;
  /** What could not be read, for people; its changes are not known. */
  readonly problems: readonly string[];
  /** What to know about the result, for people. */
  readonly warnings: readonly string[];
}

/** Where what is compared can be read, while it is; null: there is none. */
export type ReadableTrees = Readonly<Record<Side, Tree | null>>;

export interface DiffListener {
  begin(header: DiffHeader): void;
  /** In byte order of the paths. */
  change(change: Change, trees: ReadableTrees): void | Promise<void>;
  /** How many paths were compared so far; called often. */
  progress?(compared: number): void;
}

/** Errors: `not-found`, `usage`, `unsupported`. */
export async function diffRoots(context: Context, options: DiffOptions, listener: DiffListener): Promise<DiffOutcome> {
  return withTargets(context, { access: 'read' }, async (targets) => {
    const problems: string[] = [];
    const warnings: string[] = [];
    const to = options.to === undefined ? liveOf(mainTarget(targets)) : await resolveRoot(context, targets, options.to);
    const from = options.from === undefined ? blankOf(to.target) : await resolveRoot(context, targets, options.from);
    if (from === null) warnings.push(`no blank is known for ${to.target.name}, so all that there is counts as new`);
    const treeOf = async (side: ResolvedRoot): Promise<Tree> => ({ path: await side.target.backend.pathOf(side.tree) });
    const trees = { from: from === null ? null : await treeOf(from), to: await treeOf(to) };
    warnings.push(...(await to.target.backend.tidy()));
    const { engine, why, candidates } = await chooseEngine(options.engine, from, to, trees.from?.path);
    const header: DiffHeader = { from: from?.label ?? 'empty', to: to.label, engine, why };
    listener.begin(header);
    const reader = createTreeReader(context.run);
    const reports: Reports = {
      problem: (path, side, why) => void problems.push(`${printable(path)} in ${header[side]}: ${why}`),
      warning: (text) => void warnings.push(text),
    };
    const rules = options.all
      ? NOTHING_HIDDEN
      : await hidingRules(context.config.diff, to.target.backend.liveMountPoint, trees, (text) => warnings.push(text));
    const walked = walkDiff(candidates === undefined ? reader : narrowed(reader, candidates), trees.from, trees.to, {
      signal: context.signal,
      progress: (compared) => listener.progress?.(compared),
      problems: ({ path, side, why }) => {
        reports.problem(path, side, why);
      },
      warnings: (text) => {
        reports.warning(text);
      },
      ...(options.within === undefined ? {} : { within: pathInside(to.target, options.within) }),
    });
    const shown: Change[] = [];
    const hiding = new Hiding(rules, (change) => shown.push(change));
    const show = async (): Promise<void> => {
      for (const change of shown.splice(0)) {
        const taken = listener.change(change, trees);
        if (taken !== undefined) await taken;
      }
    };
    const changes =
      trees.from === null
        ? walked
        : withRenames(
            walked,
            reader,
            { from: trees.from, to: trees.to },
            { reports, mayPair: bothOrNeither(rules), signal: context.signal },
          );
    for await (const change of changes) {
      hiding.add(change);
      if (shown.length > 0) await show();
    }
    hiding.end();
    await show();
    return { ...header, hidden: hiding.counts, problems, warnings };
  });
}

/** What was moved to where it is not shown is gone all the same. */
function bothOrNeither(rules: HidingRules): (gone: Change, added: Change) => boolean {
  return (gone, added) => (whyHidden(rules, gone) === null) === (whyHidden(rules, added) === null);
}

/** Fewer entries than these are walked in less time than it takes to ask anything. */
const FEW = 3000;

interface Choice {
  readonly engine: Engine;
  readonly why: string;
  readonly candidates?: Candidates;
}

/** `path`: of the first tree. Errors: `unsupported` if the engine that is wanted cannot do it. */
async function chooseEngine(
  wanted: Engine | undefined,
  from: ResolvedRoot | null,
  to: ResolvedRoot,
  path: BytePath | undefined,
): Promise<Choice> {
  if (wanted === 'walk') return { engine: 'walk', why: ASKED_FOR };
  const { name, capabilities } = to.target.backend;
  const { engine, isFaster } = capabilities.narrowing ?? { engine: 'walk', isFaster: false };
  if (wanted !== undefined && wanted !== engine)
    throw new RootsError('unsupported', `the engine ${wanted} cannot compare these: they are on ${name}`, {
      hint: `use --engine ${engine}, or leave it out`,
    });
  if (wanted === undefined && !isFaster) return { engine: 'walk', why: `on ${name} nothing is faster` };
  const narrowing = await narrow(wanted, from, to, path);
  if ('candidates' in narrowing)
    return {
      engine,
      ...narrowing,
      why: wanted === undefined ? 'the first tree is large, and the filesystem knows what differs' : ASKED_FOR,
    };
  if (wanted === undefined) return { engine: 'walk', why: narrowing.why };
  throw new RootsError('unsupported', `the engine ${wanted} cannot compare these: ${narrowing.why}`, { hint: 'leave --engine out' });
}

const ASKED_FOR = 'it is what was asked for';

async function narrow(
  wanted: Engine | undefined,
  from: ResolvedRoot | null,
  to: ResolvedRoot,
  path: BytePath | undefined,
): Promise<Narrowing> {
  if (from === null || path === undefined) return { why: 'there is no first tree' };
  if (from.target !== to.target) return { why: 'they are of two targets' };
  if (wanted === undefined && !hasMoreEntriesThan(FEW, path)) return { why: 'the first tree has few entries' };
  return to.target.backend.narrow(from.tree, to.tree);
}

/** Of several targets, the one that is called `root` is what a machine loses at its next boot. */
function mainTarget(targets: readonly Target[]): Target {
  const target = targets.length === 1 ? targets[0] : targets.find(({ name }) => name === 'root');
  if (target !== undefined) return target;
  throw new RootsError('usage', 'there are several targets', {
    hint: `say which: ${targets.map(({ name }) => `${name}:live`).join(', ')}`,
  });
}

/** A recipe that makes each root anew has no blank: there everything is new. */
function blankOf(target: Target): ResolvedRoot | null {
  return target.backend.location.blank === null ? null : specialTree(target, 'blank');
}

function liveOf(target: Target): ResolvedRoot {
  return specialTree(target, 'live');
}
