/**
 * Which calls are the faster ones. With the metadata in memory a blocking lstat takes half the time of one through the thread pool;
 * from a disk the pool waits for several at once. Measured as it goes: a slow stretch of blocking calls moves to the pool for a while.
 */
export class Pace {
  #pooled = 0;
  #turned = performance.now();

  get warm(): boolean {
    if (this.#pooled === 0) return true;
    this.#pooled -= 1;
    return false;
  }

  measure<T>(calls: number, work: () => T): T {
    const started = performance.now();
    const result = work();
    if (performance.now() - started > calls * SLOW_MS) this.#pooled = POOLED_TURNS;
    return result;
  }

  /** Lets signals, timers and other programs' output have their turn, which blocking calls and promises that are kept already keep waiting. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#turned < TURN_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#turned = performance.now();
  }
}

const SLOW_MS = 0.05;
const POOLED_TURNS = 16;
const TURN_MS = 4;
