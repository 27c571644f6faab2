/** Why a clause does not apply, for those of one kind. */
import type { Applicability } from './ground.ts';
import type { Clause } from './suite.ts';

type Unless = NonNullable<Clause['unless']>;

export const noNested: Unless = ({ capabilities }) => (capabilities.nestedTrees ? false : 'a tree holds no independent trees');

export const noFlags: Unless = ({ flags }) => (flags ? false : 'the filesystem has no such flags');

export const noReadOnly: Unless = ({ readOnly }) => (readOnly === 'none' ? 'no tree is read-only' : false);

export const noIdentity: Unless = ({ capabilities }) => (capabilities.stableIdentity ? false : 'there are no identities but names');

export const noSnapshots: Unless = ({ capabilities }) => (capabilities.snapshots ? false : 'there are no snapshots');

export const noKeeping: Unless = ({ keeps }) => (keeps ? false : 'nothing makes the filesystem keep a tree');

/** Links, plain directories and flags of the archive itself are of directories. */
export const noDirectory: Unless = ({ archive }) =>
  archive === 'directory' ? false : 'an archive that is a dataset is no directory of old roots';

/** The first reason of several. */
export function either(...reasons: readonly Unless[]): Unless {
  return (about) => reasons.map((reason) => reason(about)).find((why) => why !== false) ?? false;
}

/** `how`: what a clause is of. */
export const notWhereUntrusted =
  (how: Applicability['untrustedWay']): Unless =>
  ({ untrustedWay }) => {
    if (untrustedWay === how) return false;
    if (typeof untrustedWay !== 'string') return untrustedWay.noMatter;
    return untrustedWay === 'nothing' ? 'a tree cannot be removed by its number' : 'a tree can be removed by its number';
  };
