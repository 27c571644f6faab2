/**
 * What can go wrong, as types, and the one place where that becomes an exit status.
 * Help texts, the manual and the tests take the table from here.
 */

export const EXIT_STATUS = {
  done: { status: 0, meaning: 'done' },
  failed: { status: 1, meaning: 'failed' },
  usage: { status: 2, meaning: 'usage or configuration' },
  partly: { status: 3, meaning: 'partly done' },
  'not-found': { status: 10, meaning: 'no such root or path' },
  locked: { status: 11, meaning: 'locked by another run' },
  unsupported: { status: 12, meaning: 'filesystem not supported, or a tool is missing' },
  'not-permitted': { status: 13, meaning: 'not permitted' },
  interrupted: { status: 130, meaning: 'interrupted' },
} as const;

export type Outcome = keyof typeof EXIT_STATUS;
export type ErrorKind = Exclude<Outcome, 'done'>;

/**
 * An error that a person can act on: `message` names the thing and the reason, `hint` the next step.
 * Paths in either must already be printable (see byte-path.ts).
 */
export class RootsError extends Error {
  override readonly name = 'RootsError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
  }
}

/** The `code` of a Node system error (`ENOENT`, …), or undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** For people: without the paths in /proc by which we hold directories, which say nothing to anybody. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return errnoOf(error) === undefined ? message : message.replace(/,? '\/proc\/(?:\d+|self)\/[^']*'(?: -> '[^']*')?/g, '');
}
