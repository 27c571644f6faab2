/**
 * Listings of directories by find(1), ahead of whoever walks a tree: while one directory is compared, those that come after it are read.
 */
import type { BytePath } from '../byte-path.ts';
import { FindProcess, type PrintedDirectory } from './find-process.ts';

/** How many directories find may be ahead. */
const ASKED_AT_ONCE = 64;
/** How many entries may wait until they are asked for. */
const MOST_WAITING = 20_000;
/** How often find may complain before it is left alone: where a tree changes all the time, or may not be read, Node says precisely what could not be. */
const MOST_COMPLAINTS = 10;

interface Ahead {
  readonly listing: Promise<PrintedDirectory | null>;
  /** Entries that wait. */
  waiting: number;
  /** Nobody will ask for it. */
  forgotten: boolean;
}

/** Two wait for a disk at the same time; in memory one is as fast. */
const PROCESSES = 2;

export class ListingAhead {
  #finds: FindProcess[] = [];
  #complaints = 0;
  readonly #ahead = new Map<BytePath, Ahead>();
  /** In the order of asking, the next one last. */
  readonly #wanted: BytePath[] = [];
  readonly #stillWanted = new Set<BytePath>();
  #waiting = 0;

  /** Null where find cannot list it: whoever asks has to read it in another way. `address`: an absolute path. */
  async list(address: BytePath): Promise<PrintedDirectory | null> {
    this.#stillWanted.delete(address);
    const ahead = this.#ahead.get(address);
    if (ahead === undefined) return this.#ask(address);
    this.#ahead.delete(address);
    const directory = await ahead.listing;
    this.#waiting -= ahead.waiting;
    this.#askAhead();
    return directory;
  }

  /** These will be asked for soon, in this order, before all others that are wanted. */
  want(addresses: readonly BytePath[]): void {
    for (let at = addresses.length - 1; at >= 0; at -= 1) {
      const address = addresses[at];
      if (address === undefined) continue;
      this.#wanted.push(address);
      this.#stillWanted.add(address);
    }
    this.#askAhead();
  }

  /** These will not be asked for any more. */
  forget(addresses: readonly BytePath[]): void {
    for (const address of addresses) {
      this.#stillWanted.delete(address);
      const ahead = this.#ahead.get(address);
      if (ahead === undefined) continue;
      this.#ahead.delete(address);
      ahead.forgotten = true;
      this.#waiting -= ahead.waiting;
    }
  }

  close(): void {
    this.#complaints = MOST_COMPLAINTS;
    for (const find of this.#finds) find.close();
    this.#finds = [];
  }

  #askAhead(): void {
    while (this.#waiting < MOST_WAITING && this.#pending < ASKED_AT_ONCE) {
      const address = this.#wanted.pop();
      if (address === undefined) return;
      if (!this.#stillWanted.delete(address)) continue;
      const ahead: Ahead = { listing: this.#ask(address), waiting: 0, forgotten: false };
      this.#ahead.set(address, ahead);
      void ahead.listing.then((directory) => {
        if (ahead.forgotten || this.#ahead.get(address) !== ahead) return;
        ahead.waiting = directory?.entries.length ?? 0;
        this.#waiting += ahead.waiting;
      });
    }
  }

  get #pending(): number {
    return this.#finds.reduce((sum, find) => sum + find.pending, 0);
  }

  async #ask(address: BytePath): Promise<PrintedDirectory | null> {
    const running = this.#finds.filter((find) => !find.ended);
    this.#complaints += this.#finds.length - running.length;
    this.#finds = running;
    if (this.#complaints >= MOST_COMPLAINTS) return null;
    const idle = running.find(({ pending }) => pending === 0);
    if (idle === undefined && running.length < PROCESSES) this.#finds.push(new FindProcess());
    const [first, ...others] = this.#finds;
    if (first === undefined) return null;
    return (idle ?? others.reduce((least, find) => (find.pending < least.pending ? find : least), first)).list(address);
  }
}
