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

export interface List {
  readonly roots: readonly ListedRoot[];
  readonly unrecognised: readonly { readonly target: string; readonly name: string; readonly nameBase64?: string; readonly why: string }[];
  readonly warnings: readonly string[];
}

export interface PlannedRoot {
  readonly name: string;
  readonly reasons: readonly string[];
}

export interface RemovedRoot extends PlannedRoot {
  readonly result?: string;
  readonly error?: string | null;
}

export interface Prune {
  readonly at: string;
  readonly targets: readonly {
    readonly target: string;
    readonly keep: readonly PlannedRoot[];
    readonly remove: readonly RemovedRoot[];
    readonly skipped: readonly { readonly name: string; readonly why: string }[];
    readonly freedBytes: number | null;
  }[];
}

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

export interface Restore {
  readonly items: readonly RestoreItem[];
}

export interface Failure {
  readonly error: { readonly kind: string; readonly message: string; readonly hint: string | null };
}
