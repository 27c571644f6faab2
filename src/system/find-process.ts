/**
 * Directories listed by a find(1) that runs all the while: it is told one directory after the other on its standard input, and prints what lstat(2) says of everything in
 * it. It does so in a quarter of the time that calls of Node take (measured: Node 20, 200,000 files in memory), and on another processor.
 *
 * Needs `-files0-from` (GNU findutils 4.9). At its first complaint, of that or of a directory, find is given up: what it was asked for and has not answered is null then.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { toBytes, type BytePath } from '../byte-path.ts';

/** One entry: its name, and `device type mode uid gid size mtime ctime inode` as `find -printf` has them. */
export interface Printed {
  readonly name: BytePath;
  readonly text: string;
}

export interface PrintedDirectory {
  /** In no order. */
  readonly entries: readonly Printed[];
  /** Of the directory itself, once all in it had been read. */
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * `-depth` has the directory itself come last, by the name `.` that it was given with, and `\c` writes out what is in the buffer. No name has a slash, so that the line that
 * ends a directory is none of a file. Device first: it is the same for all that is in a directory, but for mounts and subvolumes.
 */
const FORMAT = '%f\\0%D %y %m %U %G %s %T@ %C@ %i\\0';
const EXPRESSION = ['-depth', '-maxdepth', '1', '(', '-name', '.', '-printf', '/%D %i\\0\\c', ')', '-o', '-printf', FORMAT];
/** What find complains of comes through the same pipe, always between two entries (error(3) writes out what was printed before). */
const SCRIPT = `exec find -files0-from - ${EXPRESSION.map((each) => `'${each}'`).join(' ')} 2>&1`;

type Answer = (directory: PrintedDirectory | null) => void;

export class FindProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  /** In the order in which find answers; undefined before `#next`. */
  #asked: (Answer | undefined)[] = [];
  #next = 0;
  #unsent: string[] = [];
  #rest = '';
  #name: BytePath | null = null;
  #entries: Printed[] = [];
  #ended = false;

  constructor() {
    // Ctrl-C reaches a whole foreground group, and it is us who decide what ends when.
    this.#process = spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, LC_ALL: 'C' },
    });
    const end = (): void => {
      this.close();
    };
    this.#process.on('error', end).on('exit', end);
    this.#process.stdin.on('error', end);
    this.#process.stdout.on('data', (piece: Buffer) => {
      this.#read(piece);
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How many directories it has been asked for and has not answered. */
  get pending(): number {
    return this.#asked.length - this.#next;
  }

  /** `address`: an absolute path. */
  async list(address: BytePath): Promise<PrintedDirectory | null> {
    if (this.#ended) return null;
    return new Promise((answer) => {
      this.#asked.push(answer);
      if (this.#unsent.length === 0)
        queueMicrotask(() => {
          this.#send();
        });
      this.#unsent.push(`${address}/.\0`);
    });
  }

  /** Many in one write, which costs as much as one. */
  #send(): void {
    const text = this.#unsent.join('');
    this.#unsent = [];
    if (!this.#ended) this.#process.stdin.write(toBytes(text as BytePath));
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#process.stdin.destroy();
    this.#process.stdout.destroy();
    this.#process.kill();
    for (const answer of this.#asked) answer?.(null);
    this.#asked = [];
  }

  #read(piece: Buffer): void {
    const fields = (this.#rest + piece.toString('latin1')).split('\0');
    this.#rest = fields.pop() ?? '';
    for (const field of fields) {
      if (this.#ended) return;
      if (this.#name !== null) {
        this.#entries.push({ name: this.#name, text: field });
        this.#name = null;
      } else if (!field.includes('/') && !field.startsWith(COMPLAINT)) this.#name = field as BytePath;
      else this.#finish(field);
    }
    if (this.#name === null && this.#rest.startsWith(COMPLAINT)) this.close();
  }

  #finish(field: string): void {
    const [, dev, ino] = /^\/(\d+) (\d+)$/.exec(field) ?? [];
    const answer = this.#asked[this.#next];
    if (dev === undefined || ino === undefined || answer === undefined) {
      this.close();
      return;
    }
    const entries = this.#entries;
    this.#entries = [];
    this.#asked[this.#next] = undefined;
    this.#next += 1;
    if (this.#next === this.#asked.length) {
      this.#asked = [];
      this.#next = 0;
    }
    answer({ entries, dev: BigInt(dev), ino: BigInt(ino) });
  }
}

/** With a file of such a name Node reads the directory, which is slower. */
const COMPLAINT = 'find: ';
