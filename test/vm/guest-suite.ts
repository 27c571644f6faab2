/** One boot of the test machine for all tests of a file. Its folder is kept if one of them fails. */
import { afterAll, beforeAll, beforeEach, onTestFailed } from 'vitest';
import { runInGuest, type Guest, type GuestOptions } from './machine.ts';

/** Gives what the script wrote into its results. */
export function guestSuite(options: GuestOptions): (result: string) => string {
  const guest = guestOf(async () => runInGuest(options));
  return (result) => guest().result(result);
}

export function guestOf(run: () => Promise<Guest>): () => Guest {
  let guest: Guest | undefined;
  let keep = false;
  beforeAll(async () => {
    guest = await run();
  });
  beforeEach(() => {
    onTestFailed(() => {
      keep = true;
    });
  });
  afterAll(() => {
    if (guest === undefined) return;
    if (keep) console.error(`what the test machine said is kept: ${guest.folder}`);
    else guest.remove();
  });
  return () => {
    if (guest === undefined) throw new Error('the test machine has not run');
    return guest;
  };
}
