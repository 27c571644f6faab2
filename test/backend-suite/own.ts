/** What only one filesystem has: its own shapes, and what its programs say that its backend relies on, from the real ones. */

/** What is told of each test: in the test machine it is run, outside of it its name is known. */
export type Register = (name: string, body: () => Promise<void>) => void;

export interface Own {
  /** Makes what all tests work on, and registers them with what it is given. */
  readonly suite: () => void;
  /** Only their names and bodies. */
  readonly tests: (register: Register) => void;
}
