/** What a test made, closed after it whatever happens. */
import { afterEach } from 'vitest';
import type { Started } from '../backend-suite/processes.ts';
import { makeGate, type Gate } from './gate.ts';

/** What must be done at the end of the test, the latest first. */
export const closers: (() => unknown)[] = [];

export function closing<T extends { close(): unknown }>(made: T): T {
  closers.push(() => made.close());
  return made;
}

/** A gate in the scratch directory of an archive, that lets all pass in the end. */
export function gate(archive: { readonly scratch: string }, program: string, calls?: string): Gate {
  const made = makeGate(archive.scratch, program, calls);
  closers.push(() => made.open());
  return made;
}

export function killing(running: Started): Started {
  closers.push(() => running.kill());
  return running;
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
