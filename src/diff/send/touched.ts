/**
 * Which paths a send stream is about. Its commands lead from one tree to the other step by step, with names that last for some steps only (`o257-7-0`), so where
 * a path was in the first tree and is in the second is known at the end. Only what the commands name is held, and of what is in a new directory only
 * directories, what was elsewhere before, and further names of files.
 */
import type { BytePath } from '../../byte-path.ts';
import { CandidateSet, type Candidates } from '../candidates.ts';
import { UnknownStream, type SendCommand } from './stream.ts';

/** An object at one of its names. */
interface Place {
  /** Its path in the first tree; null if it is new there. */
  readonly origin: BytePath | null;
  /** By name; null where the first tree has something that is no longer there. */
  readonly children: Map<BytePath, Place | null>;
  /** Held in a new directory too: a directory, into which what is not new may come, or one more name of a file, which may not be new. */
  readonly isHeld: boolean;
  touched: boolean;
  /** Its name was that of something of the first tree. */
  covers: boolean;
}

export class TouchedPaths {
  readonly #root: Place = place('' as BytePath);

  /** Errors: `UnknownStream` if it is about something that cannot be there. */
  add(command: SendCommand): void {
    switch (command.kind) {
      case 'make':
        this.#attach(command.path, { ...place(null), isHeld: command.isDirectory });
        return;
      case 'rename':
        this.#attach(command.to, this.#detach(command.path));
        return;
      case 'link':
        this.#attach(command.path, { ...place(null), isHeld: true });
        return;
      case 'remove':
        this.#detach(command.path);
        return;
      case 'touch':
        this.#find(command.path).touched = true;
    }
  }

  /** What may differ, and of that the paths in the second tree that were there before: other names of the same files may differ too. */
  result(): { readonly candidates: Candidates; readonly touched: readonly BytePath[] } {
    const set = new CandidateSet();
    const touched: BytePath[] = [];
    const ahead: { readonly at: BytePath; readonly of: Place }[] = [{ at: '' as BytePath, of: this.#root }];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      const { at, of } = next;
      if (of.touched) touched.push(at);
      if (of.origin !== at) {
        set.add(at, true);
        if (of.origin !== null) set.add(of.origin, true);
      } else if (of.touched) set.add(at, false);
      for (const [name, child] of of.children) {
        if (of.origin !== null && (child === null || child.covers)) set.add(join(of.origin, name), true);
        if (child !== null) ahead.push({ at: join(at, name), of: child });
      }
    }
    return { candidates: set.root, touched };
  }

  #find(path: BytePath): Place {
    let at = this.#root;
    for (const name of namesOf(path)) {
      const child = at.children.get(name);
      if (child === null) throw missing(path);
      if (child !== undefined) {
        at = child;
        continue;
      }
      // What is in a new directory is new, and is found with it.
      if (at.origin === null) return place(null);
      const own = place(join(at.origin, name));
      at.children.set(name, own);
      at = own;
    }
    return at;
  }

  #detach(path: BytePath): Place {
    const { directory, name } = this.#split(path);
    const own = this.#find(path);
    const isOriginal = directory.origin !== null && own.origin === join(directory.origin, name);
    if (isOriginal || own.covers) directory.children.set(name, null);
    else directory.children.delete(name);
    own.covers = false;
    return own;
  }

  #attach(path: BytePath, own: Place): void {
    const { directory, name } = this.#split(path);
    const there = directory.children.get(name);
    if (there !== undefined && there !== null) throw new UnknownStream('something is made where something is');
    own.covers = there === null;
    const isFoundAnyway = directory.origin === null && own.origin === null && !own.isHeld;
    if (!isFoundAnyway) directory.children.set(name, own);
  }

  #split(path: BytePath): { readonly directory: Place; readonly name: BytePath } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw new UnknownStream('the root itself is moved');
    return { directory: this.#find(names.join('/') as BytePath), name };
  }
}

function place(origin: BytePath | null): Place {
  return { origin, children: new Map(), isHeld: false, touched: false, covers: false };
}

function namesOf(path: BytePath): BytePath[] {
  return path.split('/').filter((name) => name !== '') as BytePath[];
}

function join(path: BytePath, name: BytePath): BytePath {
  return (path === '' ? name : `${path}/${name}`) as BytePath;
}

function missing(path: BytePath): UnknownStream {
  return new UnknownStream(`it is about something that is gone (${JSON.stringify(path)})`);
}
