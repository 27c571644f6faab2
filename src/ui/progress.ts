/** Long work on a terminal: one line that says how far it is and how fast, and goes when it is done. What is no terminal gets nothing. */
import type { Screen } from './terminal.ts';

/** Nobody needs to be told what takes less. Milliseconds. */
const QUIET = 1000;
const BETWEEN = 100;
const CLEAR = '\r\x1b[K';

export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  readonly #terminal: Terminal;
  readonly #screen: Pick<Screen, 'width' | 'style'>;
  readonly #line: (count: number, perSecond: number) => string;
  readonly #now: () => number;
  readonly #started: number;
  #last = 0;
  #shown = false;

  /** `line`: what is told of so many that were done, of so many in a second. */
  constructor(
    terminal: Terminal,
    screen: Pick<Screen, 'width' | 'style'>,
    line: (count: number, perSecond: number) => string,
    now: () => number = () => performance.now(),
  ) {
    this.#terminal = terminal;
    this.#screen = screen;
    this.#line = line;
    this.#now = now;
    this.#started = now();
  }

  /** Call it often. */
  update(count: number): void {
    if (this.#terminal.isTTY !== true) return;
    const now = this.#now();
    const elapsed = now - this.#started;
    if (elapsed < QUIET || now - this.#last < BETWEEN) return;
    this.#last = now;
    this.#shown = true;
    const text = this.#line(count, Math.round(count / (elapsed / 1000)));
    this.#terminal.write(`${CLEAR}${this.#screen.style('dim', text.slice(0, this.#screen.width - 1))}`);
  }

  /** Before anything else is written, and at the end. */
  clear(): void {
    if (this.#shown) this.#terminal.write(CLEAR);
    this.#shown = false;
  }
}
