/** All paths of one tree, read in the background while somebody looks at it. */
import { joinPath, type BytePath } from '../byte-path.ts';
import { isDirectory } from '../diff/compare.ts';
import { Unreadable, type Directory, type Entry, type Tree, type TreeReader } from '../diff/tree.ts';

/** More are not held: about 100 MB. */
const MOST_PATHS = 1_000_000;

export class PathIndex {
  /** Without a leading slash; those of directories end in one. Grows until `isComplete`. */
  readonly paths: BytePath[] = [];
  /** There are more than are held. */
  isCut = false;
  isComplete = false;
  /** Kept when no more is read. Never rejected. */
  readonly ended: Promise<void>;
  readonly #stop = new AbortController();

  constructor(reader: TreeReader, tree: Tree, { most = MOST_PATHS }: { readonly most?: number } = {}) {
    this.ended = this.#read(reader, tree, most);
  }

  /**
   * Waits for its end, or, if by then there is `enough`, for so many milliseconds. Who looks for something is not asked again until more is typed, so while there is nothing to
   * show, what is still to be read is waited for.
   */
  async settle(patience: number, enough: () => boolean, signal: AbortSignal): Promise<void> {
    do await this.#wait(patience);
    while (!this.isComplete && !signal.aborted && !enough());
  }

  async #wait(patience: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
  }

  /** Forgets them. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.ended;
    this.paths.length = 0;
  }

  async #read(reader: TreeReader, tree: Tree, most: number): Promise<void> {
    const stack: Frame[] = [];
    try {
      await this.#enter(stack, reader.open(tree), '' as BytePath, most);
      for (let frame = stack.at(-1); frame !== undefined && !this.#stop.signal.aborted; frame = stack.at(-1)) {
        const next = this.isCut ? undefined : frame.ahead.pop();
        if (next === undefined) stack.pop()?.directory.close();
        else await this.#enter(stack, frame.directory.enter(next), joinPath(frame.path, next.name), most);
      }
    } catch {
      // What was found so far can be searched all the same.
      this.isCut = true;
    } finally {
      this.isComplete = true;
      for (const { directory } of stack.reverse()) directory.close();
    }
  }

  /** What cannot be read cannot be found; whoever looks at it is told why. */
  async #enter(stack: Frame[], entering: Promise<Directory>, path: BytePath, most: number): Promise<void> {
    let directory: Directory | undefined;
    try {
      directory = await entering;
      stack.push(await this.#list(directory, path, most));
    } catch (error) {
      directory?.close();
      if (!(error instanceof Unreadable)) throw error;
    }
  }

  async #list(directory: Directory, path: BytePath, most: number): Promise<Frame> {
    const ahead: Entry[] = [];
    for await (const listed of directory.list()) {
      for (const each of listed) {
        if (this.paths.length >= most) {
          this.isCut = true;
          break;
        }
        const isEntered = 'type' in each && isDirectory(each.type);
        this.paths.push(`${joinPath(path, each.name)}${isEntered ? '/' : ''}` as BytePath);
        // What else is mounted there is not of this tree.
        if (isEntered && !each.mounted) ahead.push(each);
      }
      if (this.isCut || this.#stop.signal.aborted) break;
    }
    return { directory, path, ahead: ahead.reverse() };
  }
}

interface Frame {
  readonly directory: Directory;
  readonly path: BytePath;
  /** Directories in it, the next one last. */
  readonly ahead: Entry[];
}
