/** What only one filesystem has: its own shapes, and what its programs say that its backend relies on, from the real ones. */
import type { Backend, Location, Services } from '../../src/backend/backend.ts';
import { openBackend } from '../../src/backend/detect.ts';
import { PrivateMountPool } from '../../src/system/private-mount.ts';
import { run, type Run } from '../../src/system/run.ts';

/** What is told of each test: in the test machine it is run, outside of it its name is known. */
export type Register = (name: string, body: () => Promise<void>) => void;

export interface Own {
  /** Makes what all tests work on, and registers them with what it is given. */
  readonly suite: () => void;
  /** Only their names and bodies. */
  readonly tests: (register: Register) => void;
}

/** Tests that open backends, which are closed after each, and then `clean` is called. */
export function ownTests(
  register: Register,
  clean: () => void,
): {
  readonly test: Register;
  /** `mountsBy`: what mounts, if not the usual. */
  readonly open: (
    location: Location,
    services?: Partial<Services> & { readonly mountsBy?: Run },
    access?: 'read' | 'write',
  ) => Promise<Backend>;
  /** Before the end of a test. */
  readonly close: () => Promise<void>;
} {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  return {
    close,
    open: async (location, { mountsBy = run, ...services } = {}, access = 'write') => {
      const pool = new PrivateMountPool(mountsBy, access);
      closers.push(() => pool.close());
      const backend = await openBackend(location, { run, signal: new AbortController().signal, privateMounts: pool, ...services });
      closers.push(() => backend.close());
      return backend;
    },
    test: (name, body) => {
      register(name, async () => {
        try {
          await body();
        } finally {
          await close();
          clean();
        }
      });
    },
  };
}
