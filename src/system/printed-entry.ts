/**
 * Entries as find(1) prints them (find-process.ts). Most are equal in both trees of a comparison, which their text says, so that the rest is only read where it is asked for.
 */
import type { EntryType } from '../diff/change.ts';
import { Unreadable, type Entry } from '../diff/tree.ts';
import type { BytePath } from '../byte-path.ts';
import type { Printed } from './find-process.ts';

const TYPES: Readonly<Record<string, EntryType>> = { f: 'file', d: 'directory', l: 'symlink', p: 'fifo', s: 'socket' };

/** `device`: of the directory, as it is printed. Null where lstat(2) has to be asked: on another device, and for device nodes, whose numbers find does not print. */
export function entryOfPrinted({ name, text }: Printed, device: string, dev: bigint): Entry | null {
  const type = text.startsWith(device) && text[device.length] === ' ' ? TYPES[text[device.length + 1] ?? ''] : undefined;
  return type === undefined ? null : new PrintedEntry(name, type, text.slice(device.length + 1), dev);
}

class PrintedEntry implements Entry {
  readonly name: BytePath;
  readonly type: EntryType;
  readonly stamp: string;
  readonly dev: bigint;
  readonly rdev = 0n;
  readonly mounted = false;
  #fields: readonly string[] | undefined;

  constructor(name: BytePath, type: EntryType, stamp: string, dev: bigint) {
    this.name = name;
    this.type = type;
    this.stamp = stamp;
    this.dev = dev;
  }

  get mode(): number {
    return Number.parseInt(this.#field(1), 8);
  }

  get uid(): bigint {
    return BigInt(this.#field(2));
  }

  get gid(): bigint {
    return BigInt(this.#field(3));
  }

  get size(): bigint {
    return BigInt(this.#field(4));
  }

  get mtimeNs(): bigint {
    return nanoseconds(this.#field(5));
  }

  get ctimeNs(): bigint {
    return nanoseconds(this.#field(6));
  }

  get ino(): bigint {
    return BigInt(this.#field(7));
  }

  #field(at: number): string {
    const field = (this.#fields ??= this.stamp.split(' '))[at];
    if (field === undefined) throw new Unreadable('what find(1) printed of it is not understood');
    return field;
  }
}

/** Seconds, also before 1970 rounded down, and ten digits: tenths of nanoseconds. */
function nanoseconds(text: string): bigint {
  const dot = text.indexOf('.');
  return BigInt(`${text.slice(0, dot)}000000000`) + BigInt(text.slice(dot + 1, dot + 10));
}
