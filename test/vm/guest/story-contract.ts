/** What a story in the test machine tells the tests, and what both of them know. */
import type { CommonOddities, FieldBoot } from '../../fixtures/field-boots.ts';
import type { ZfsArchive } from '../../fixtures/zfs-archive.ts';

export type Filesystem = 'btrfs' | 'zfs' | 'bcachefs';

/** By what it is called: `blank`, or a name in the archive. What is not touched is equal. */
export type State = Readonly<Record<string, string>>;

export interface ProgramRun {
  readonly args: readonly string[];
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAt: string;
  readonly endedAt: string;
}

/** A command in a terminal of 80 columns and 24 rows. */
export interface TerminalRun {
  readonly args: readonly string[];
  readonly status: number | null;
  /** Without what moves the cursor and colours. */
  readonly text: string;
}

export interface Session {
  readonly runs: readonly TerminalRun[];
  /** The file after them. */
  readonly back: File | null;
}

export interface File {
  readonly sha256: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtimeNs: string;
  readonly xattrs: string;
}

interface Told {
  /** By a word of this file. */
  readonly runs: Readonly<Record<string, ProgramRun>>;
  readonly before: State;
  readonly after: State;
  /** What is mounted of this machine in any mount namespace, before the program ran and after. */
  readonly mountsBefore: readonly string[];
  readonly mountsAfter: readonly string[];
  /** The live root that the next boot made. */
  readonly nextLive: string;
  /** In the archive after that. */
  readonly namesAfterNextBoot: readonly string[];
  readonly seconds: Readonly<Record<string, number>>;
}

export interface Story extends Told {
  readonly boots: readonly FieldBoot[];
  readonly odd: CommonOddities;
  readonly builtBetween: readonly [string, string];
  /** Of the old root, and of the live root after it was restored; null where it is not. */
  readonly lost: File | null;
  readonly restored: File | null;
  /** The file is lost again, and comes back by some commands in a terminal, or by one that asks. Null: not tried. */
  readonly byCommands: Session | null;
  readonly byBrowsing: Session | null;
  /** A large tree of the last boot, restored by the program; `differences` as programs of others see them. */
  readonly tree: { readonly run: ProgramRun; readonly entries: number; readonly kinds: string; readonly differences: string };
}

export interface ZfsStory extends Told {
  readonly archive: ZfsArchive;
  /** `NAME` to `ORIGIN`, of all filesystems and snapshots of the pool, after the removal. */
  readonly origins: Readonly<Record<string, string>>;
}

/** Of the large tree. */
export const ENTRIES = 20_000;
/** Where the live root is mounted. */
export const LIVE = '/run/live';
/** The clock stands here when the fixtures are done. */
export const NOW = new Date('2026-11-20T12:00:00Z');
/** `A` removes at once, `B` by way of the trash. */
export const POLICIES = {
  A: '[targets.root.keep]\nlast = 3\ndaily = 100\n[targets.root.prune]\nmax_age = "80d"\n',
  B: '[targets.root.keep]\nlast = 3\nweekly = 20\n[targets.root.prune]\ngrace = "1d"\n',
  inside: '[targets.root.keep]\nlast = 3\n',
} as const;
export const configFile = (policy: keyof typeof POLICIES): string => `/run/policy-${policy}.toml`;
