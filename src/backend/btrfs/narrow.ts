/**
 * What of two subvolumes may differ, by `btrfs send --no-data`: the kernel compares their trees of metadata, which takes as long as there are differences and not as
 * long as there are files. It wants both to be read-only, so what is not is snapshotted for as long as it takes.
 */
import { lstatSync, type BigIntStats } from 'node:fs';
import { joinPath, printableText, toBytes, type BytePath } from '../../byte-path.ts';
import { CandidateSet } from '../../diff/candidates.ts';
import { SendReader, UnknownStream } from '../../diff/send/stream.ts';
import { TouchedPaths } from '../../diff/send/touched.ts';
import { RootsError } from '../../errors.ts';
import type { PrivateMount } from '../../system/private-mount.ts';
import type { Narrowing } from '../backend.ts';
import { isTrustedWay } from '../subvolume-archive.ts';
import { parseResolved } from './parse.ts';
import type { Site } from './premises.ts';
import { withScratch, type Scratch, type SentTree } from './scratch.ts';
import { takeCensus, type Census, type Identity } from './subvolumes.ts';

/** Bytes of a stream from which on a walk is the faster way: some 400 for each new file. */
const LONGEST_STREAM = 24 << 20;

type Side = SentTree & Pick<Identity, 'id' | 'uuid'>;

/** `from`, `to`: relative to the top level. */
export async function narrowBySend(
  site: Site,
  mountToWrite: () => Promise<PrivateMount>,
  [from, to]: readonly [BytePath, BytePath],
  signal: AbortSignal,
): Promise<Narrowing> {
  if (!isTrustedWay(site)) return { why: 'others than root can change what is on the way to the archive' };
  try {
    const census = await takeCensus(site.top);
    // A blank may be a plain directory, of which btrfs tells nothing.
    const sides = [await sideOf(census, from), await sideOf(census, to)] as const;
    if (!areRelated(census.parents, sides)) return { why: 'neither is a snapshot of the other, or of what the other is one of' };
    return await withScratch(site, mountToWrite, async (scratch) => compare(site.top, census, scratch, sides, signal));
  } catch (error) {
    if (error instanceof UnknownStream) return { why: `the stream of btrfs send is not understood: ${error.message}` };
    if (error instanceof RootsError && error.kind !== 'interrupted') return { why: error.message };
    throw error;
  }
}

async function sideOf(census: Census, path: BytePath): Promise<Side> {
  return { ...(await census.of(path)), path };
}

/** By the parents that they were snapshotted from, which may be gone. */
function areRelated(parents: ReadonlyMap<string, string>, [from, to]: readonly [Side, Side]): boolean {
  const ancestors = new Set(chainOf(parents, from.uuid));
  return chainOf(parents, to.uuid).some((uuid) => ancestors.has(uuid));
}

function chainOf(parents: ReadonlyMap<string, string>, uuid: string): string[] {
  const chain: string[] = [];
  for (let at: string | undefined = uuid; at !== undefined && !chain.includes(at); at = parents.get(at)) chain.push(at);
  return chain;
}

async function compare(
  top: PrivateMount,
  census: Census,
  scratch: Scratch,
  [from, to]: readonly [Side, Side],
  signal: AbortSignal,
): Promise<Narrowing> {
  const touched = new TouchedPaths();
  const reader = new SendReader((command) => {
    touched.add(command);
  });
  let length = 0;
  const sending = scratch.send([from, to], {
    signal,
    output: (piece) => {
      length += piece.length;
      if (length > LONGEST_STREAM) throw new RootsError('failed', 'there are so many differences that a walk is faster');
      reader.add(piece);
    },
  });
  // What is nested is in no stream, and a snapshot does not have it.
  const nesting = [census.nestedIn(from), census.nestedIn(to)];
  // What they look at must not go before all have ended.
  await Promise.allSettled([sending, ...nesting]);
  const { status, stderr } = await sending;
  const nested = await Promise.all(nesting);
  if (status !== 0 || (!reader.isWhole && stderr !== ''))
    return { why: `btrfs: ${printableText(stderr.split('\n')[0]?.replace(/^ERROR: /, '') ?? '')}` };
  reader.end();
  const result = touched.result();
  const set = new CandidateSet(result.candidates);
  for (const [at, side] of [from, to].entries())
    for (const { path } of nested[at] ?? []) set.add(path.slice(side.path.length + 1) as BytePath, true);
  for (const path of result.touched) {
    const names = await otherNames(top, to.path, path);
    if (names === null) return { why: 'the names of a file that has several cannot be told' };
    for (const name of names) set.add(name, false);
  }
  return { candidates: set.root };
}

/** Of a file with several names all have changed, and the stream says one. Null if they cannot be told. */
async function otherNames(top: PrivateMount, tree: BytePath, path: BytePath): Promise<BytePath[] | null> {
  const inodeAt = (inside: BytePath): BigIntStats | undefined =>
    lstatSync(toBytes(joinPath(top.path, tree, inside)), { bigint: true, throwIfNoEntry: false });
  const stats = inodeAt(path);
  if (stats === undefined || stats.isDirectory() || stats.nlink < 2n) return [];
  const root = joinPath(top.pathInside, tree);
  const { stdout } = await top.runInside('btrfs', ['inspect-internal', 'inode-resolve', String(stats.ino), { path: root }]);
  const names = parseResolved(stdout, root);
  // Of those that a name has made up there is none.
  const isComplete = BigInt(names.length) === stats.nlink && names.every((name) => inodeAt(name)?.ino === stats.ino);
  return isComplete ? names : null;
}
