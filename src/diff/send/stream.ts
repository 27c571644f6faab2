/**
 * The stream of `btrfs send --no-data`, versions 1 and 2, as commands. Pure.
 *
 * A header of 17 bytes (`btrfs-stream`, NUL, a 32-bit version), then commands: 32 bits length, 16 bits command, 32 bits checksum, and attributes
 * of 16 bits type, 16 bits length and their value; all in little endian (Documentation/dev/dev-send-stream.rst of btrfs-progs). The checksum is for what
 * comes over a network, and not looked at here: this comes from a pipe of this machine.
 */
import { fromBytes, type BytePath } from '../../byte-path.ts';

export type SendCommand =
  /** Something that was not there. */
  | { readonly kind: 'make'; readonly path: BytePath; readonly isDirectory: boolean }
  | { readonly kind: 'rename'; readonly path: BytePath; readonly to: BytePath }
  /** One more name of a file. */
  | { readonly kind: 'link'; readonly path: BytePath }
  | { readonly kind: 'remove'; readonly path: BytePath }
  /** What it holds, or what is known of it. */
  | { readonly kind: 'touch'; readonly path: BytePath };

/** It is not what is understood here, so nothing can be said by it. */
export class UnknownStream extends Error {
  override readonly name = 'UnknownStream';
}

const MAGIC = Buffer.from('btrfs-stream\0', 'latin1');
const HEADER = MAGIC.length + 4;
const COMMAND_HEADER = 10;

/** By number. */
const KINDS: ReadonlyMap<number, SendCommand['kind'] | 'begin' | 'end'> = new Map([
  // subvol, snapshot
  [1, 'begin'],
  [2, 'begin'],
  // mkfile, mkdir, mknod, mkfifo, mksock, symlink
  ...[3, 4, 5, 6, 7, 8].map((number) => [number, 'make'] as const),
  [9, 'rename'],
  [10, 'link'],
  // unlink, rmdir
  [11, 'remove'],
  [12, 'remove'],
  // set_xattr, remove_xattr, write, clone, truncate, chmod, chown, utimes
  ...[13, 14, 15, 16, 17, 18, 19, 20].map((number) => [number, 'touch'] as const),
  [21, 'end'],
  // update_extent; of version 2: fallocate, fileattr, encoded_write
  ...[22, 23, 24, 25].map((number) => [number, 'touch'] as const),
]);

const MKDIR = 4;
const PATH = 15;
const PATH_TO = 16;
/** In version 2 it has no length and is the last one. */
const DATA = 19;

/** Takes the stream as it comes, in pieces of any size. */
export class SendReader {
  readonly #tell: (command: SendCommand) => void;
  #rest: Buffer = Buffer.alloc(0);
  /** Undefined before the header. */
  #version: number | undefined;
  #ended = false;

  constructor(tell: (command: SendCommand) => void) {
    this.#tell = tell;
  }

  /** Errors: `UnknownStream`. */
  add(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    if (this.#version === undefined) {
      if (bytes.length < HEADER) {
        this.#rest = bytes;
        return;
      }
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new UnknownStream('it does not begin as one of btrfs does');
      this.#version = bytes.readUInt32LE(MAGIC.length);
      if (this.#version !== 1 && this.#version !== 2) throw new UnknownStream(`its version is ${String(this.#version)}`);
      at = HEADER;
    }
    while (bytes.length - at >= COMMAND_HEADER) {
      const length = bytes.readUInt32LE(at);
      const begin = at + COMMAND_HEADER;
      if (bytes.length - begin < length) break;
      this.#command(bytes.readUInt16LE(at + 4), bytes.subarray(begin, begin + length));
      at = begin + length;
    }
    this.#rest = bytes.subarray(at);
  }

  /** Whether it has come to its end. */
  get isWhole(): boolean {
    return this.#ended && this.#rest.length === 0;
  }

  /** Errors: `UnknownStream` if it was cut short. */
  end(): void {
    if (!this.isWhole) throw new UnknownStream('it was cut short');
  }

  #command(number: number, attributes: Buffer): void {
    const kind = KINDS.get(number);
    if (kind === undefined) throw new UnknownStream(`it has a command of the number ${String(number)}`);
    if (this.#ended) throw new UnknownStream('it goes on after its end');
    if (kind === 'begin') return;
    if (kind === 'end') {
      this.#ended = true;
      return;
    }
    const paths = this.#paths(attributes);
    const path = required(paths, PATH, number);
    switch (kind) {
      case 'rename':
        this.#tell({ kind, path, to: required(paths, PATH_TO, number) });
        return;
      case 'make':
        this.#tell({ kind, path, isDirectory: number === MKDIR });
        return;
      default:
        this.#tell({ kind, path });
    }
  }

  #paths(attributes: Buffer): Map<number, BytePath> {
    const found = new Map<number, BytePath>();
    for (let at = 0; at < attributes.length;) {
      if (attributes.length - at < 2) throw new UnknownStream('an attribute is cut short');
      const type = attributes.readUInt16LE(at);
      if (type === DATA && this.#version === 2) break;
      if (attributes.length - at < 4) throw new UnknownStream('an attribute is cut short');
      const end = at + 4 + attributes.readUInt16LE(at + 2);
      if (end > attributes.length) throw new UnknownStream('an attribute is cut short');
      if (type === PATH || type === PATH_TO) found.set(type, fromBytes(attributes.subarray(at + 4, end)));
      at = end;
    }
    return found;
  }
}

function required(paths: ReadonlyMap<number, BytePath>, type: number, command: number): BytePath {
  const path = paths.get(type);
  if (path === undefined) throw new UnknownStream(`its command ${String(command)} has no path`);
  return path;
}
