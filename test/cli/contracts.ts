/** The JSON contracts of the design, as the tests read them. */

export interface ListedRoot {
  readonly target: string;
  readonly name: string;
  readonly ref: string;
  readonly id: string;
  readonly backend: string;
  readonly archivedAt: string;
  readonly archivedAtSource: string;
  readonly bootedAt: string | null;
  readonly ageSeconds: number;
  readonly sizeBytes: number | null;
  readonly exclusiveBytes: number | null;
  readonly pinned: boolean;
  readonly note: string | null;
  readonly mounted: boolean;
  readonly keep: boolean;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

export interface TrashedRoot {
  readonly target: string;
  readonly name: string;
  readonly ref: string;
  readonly id: string;
  readonly archivedAt: string;
  readonly trashedAt: string;
  readonly due: boolean;
}

export interface List {
  readonly roots: readonly ListedRoot[];
  readonly trash: readonly TrashedRoot[];
  readonly unrecognised: readonly { readonly target: string; readonly name: string; readonly nameBase64?: string; readonly why: string }[];
  readonly warnings: readonly string[];
}

export interface PlannedRoot {
  readonly name: string;
  readonly reasons: readonly string[];
}

export interface RemovedRoot extends PlannedRoot {
  readonly result?: 'removed' | 'trashed' | 'failed';
  readonly error?: string | null;
  readonly notes?: readonly string[];
}

/** One that leaves the trash. */
export interface PurgedRoot extends RemovedRoot {
  readonly trashedAt: string;
}

export interface Problem {
  readonly target?: string;
  readonly path?: string;
  readonly kind: string;
  readonly message: string;
}

export interface SpaceWish {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly wantedBytes: number;
  readonly impossible: boolean;
  readonly ifNeeded: readonly { readonly name: string; readonly inTrash: boolean; readonly reasons: readonly string[] }[];
  readonly short?: string | null;
}

/** A removal that an earlier run began. */
export interface Leftover {
  readonly name: string;
  readonly result: 'removed' | 'restored' | 'failed';
  readonly error: string | null;
}

export interface Prune {
  readonly at: string;
  readonly targets: readonly {
    readonly target: string;
    readonly keep: readonly PlannedRoot[];
    readonly remove: readonly RemovedRoot[];
    readonly into: 'trash' | null;
    readonly purge: readonly PurgedRoot[];
    readonly space: SpaceWish | null;
    readonly skipped: readonly { readonly name: string; readonly why: string }[];
    readonly freedBytes: number | null;
    readonly leftovers?: readonly Leftover[];
    readonly warnings?: readonly string[];
  }[];
  readonly problems?: readonly Problem[];
}

export interface SimulatedDay {
  readonly date: string;
  readonly at: string;
  readonly boots: number;
  readonly remove: readonly (PlannedRoot & { readonly archivedAt: string })[];
  readonly keep: readonly (PlannedRoot & { readonly archivedAt: string; readonly simulated: boolean })[];
}

export interface Simulation {
  readonly targets: readonly { readonly target: string; readonly days: readonly SimulatedDay[] }[];
}

export interface Undeleted {
  readonly target: string;
  readonly name: string;
  readonly id: string;
  readonly keep: boolean | null;
  readonly reasons: readonly string[];
  readonly pinned: boolean;
  readonly warnings: readonly string[];
}

export interface Rotation {
  readonly target: string;
  readonly slots: number;
  readonly rename: readonly { readonly from: string; readonly to: string; readonly error?: string | null }[];
  readonly take: string | null;
  readonly remove: readonly RemovedRoot[];
  readonly keep: readonly string[];
  readonly warnings: readonly string[];
  readonly taken?: string | null;
  readonly stopped?: string | null;
  readonly leftovers?: readonly Leftover[];
}

export interface Rotations {
  readonly targets: readonly Rotation[];
  readonly problems?: readonly Problem[];
}

/** A line of the log in the archive. */
export type LogLine = { readonly at: string; readonly run: string } & (
  | {
      readonly event: 'removing' | 'trashing' | 'undeleting' | 'removed' | 'trashed' | 'failed' | 'undeleted';
      readonly name: string;
      readonly id: string;
      readonly reasons: readonly string[];
      readonly error?: string;
      readonly notes?: readonly string[];
    }
  | {
      readonly event: 'prune' | 'rotate';
      readonly removed: number;
      readonly trashed: number;
      readonly failed: number;
      readonly error?: string;
    }
);

export interface Change {
  readonly path: string;
  readonly pathBase64?: string;
  readonly kind: string;
  readonly type: string;
  readonly what: readonly string[];
  readonly from?: string;
  readonly size: number | null;
}

export interface Diff {
  readonly from: string;
  readonly to: string;
  readonly engine: string;
  readonly hidden: number;
  readonly changes: readonly Change[];
}

export interface RestoreItem {
  readonly from: string;
  readonly path: string;
  readonly destination: string;
  readonly type: string;
  readonly result?: string;
  readonly action?: string;
  readonly error?: string | null;
  readonly why?: string | null;
  readonly backup?: string | null;
}

export interface Which {
  readonly ref: string;
  readonly archivedAt: string | null;
}

export interface FoundPath {
  readonly target: string;
  readonly path: string;
  readonly pathBase64?: string;
  readonly type: string;
  readonly size: number | null;
  readonly modifiedAt: string;
  readonly roots: readonly Which[];
  readonly versions: number;
  readonly compared: boolean;
}

export interface Find {
  readonly searched: number;
  readonly paths: readonly FoundPath[];
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

export interface Version {
  readonly first: Which;
  readonly last: Which;
  readonly roots: number;
  readonly live: boolean;
  readonly type: string;
  readonly size: number | null;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly modifiedAt: string;
  readonly what: readonly string[];
}

export interface History {
  readonly target: string;
  readonly path: string;
  readonly pathBase64?: string;
  readonly live: boolean | null;
  readonly searched: number;
  readonly deleted: { readonly lastSeen: Which; readonly missing: Which } | null;
  readonly gaps: readonly { readonly newest: Which; readonly oldest: Which; readonly roots: number }[];
  readonly versions: readonly Version[];
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

export interface Restore {
  readonly items: readonly RestoreItem[];
  readonly problems: readonly Problem[];
}

export interface Failure {
  readonly error: { readonly kind: string; readonly message: string; readonly hint: string | null };
}
