/** Random sequences of filesystem operations, each in a bed of a garden, from which things also go to other beds. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import fc from 'fast-check';
import { fromText, joinPath, toBytes, type BytePath } from '../../src/byte-path.ts';

/** Numbers choose among what there is at that time. */
export interface Operation {
  readonly kind: (typeof KINDS)[number];
  readonly which: number;
  readonly other: number;
  readonly text: string;
}

const KINDS = [
  'file',
  'directory',
  'deep',
  'symlink',
  'special',
  'write',
  'overwrite',
  'rewrite',
  'append',
  'truncate',
  'mode',
  'owner',
  'time',
  'access',
  'attribute',
  'acl',
  'rename',
  'rename here',
  'exchange',
  'link',
  'remove',
  'replace',
  'retarget',
  'hole',
] as const;

const NAMES = ['a', 'b', 'c', 'line\nbreak', '\xff\xfe', ' ', '-rf', 'back\\slash', 'tab\t'];

export const OPERATIONS: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom(...KINDS),
  which: fc.nat(1000),
  other: fc.nat(1000),
  text: fc.constantFrom(...NAMES),
});

/** So many directories with the same things in them. */
export function makeGarden(root: string, beds: number): void {
  for (let number = 0; number < beds; number += 1) {
    const at = bed(root, number);
    mkdirSync(toBytes(at));
    const inside = (name: string): Buffer => toBytes(joinPath(at, fromText(name)));
    for (const name of ['d', 'd/e', 'empty']) mkdirSync(inside(name));
    for (const name of ['one', 'two', 'd/three', 'd/e/four']) writeFileSync(inside(name), `${name} ${String(number)}`);
    writeFileSync(inside('large'), Buffer.alloc(20_000, name(number)));
    linkSync(inside('two'), inside('d/two again'));
    symlinkSync('one', inside('points'));
  }
}

/** What programs have to do is done at the end, in the same order. */
export function applyAll(root: string, all: readonly (readonly Operation[])[]): void {
  const programs: string[] = [];
  const longest = Math.max(...all.map(({ length }) => length));
  for (let at = 0; at < longest; at += 1) {
    for (const [number, operations] of all.entries()) {
      const operation = operations[at];
      if (operation !== undefined) apply(root, { number, beds: all.length }, operation, programs);
    }
  }
  const { status, stderr } = spawnSync('sh', { input: toBytes(programs.join('\n') as BytePath) });
  if (status !== 0) throw new Error(stderr.toString());
}

const name = (number: number): string => String.fromCharCode(97 + (number % 26));
const bed = (root: string, number: number): BytePath => joinPath(fromText(root), fromText(`bed-${String(number)}`));

function apply(
  root: string,
  { number, beds }: { number: number; beds: number },
  { kind, which, other, text }: Operation,
  programs: string[],
): void {
  const own = bed(root, number);
  const there = entriesBelow(own);
  const pick = (wanted: (path: BytePath) => boolean, by = which): BytePath | undefined => {
    const fitting = there.filter(wanted);
    return fitting[by % Math.max(fitting.length, 1)];
  };
  const isFile = (path: BytePath): boolean => lstatSync(toBytes(path)).isFile();
  const isDirectory = (path: BytePath): boolean => lstatSync(toBytes(path)).isDirectory();
  const into = pick(isDirectory, other) ?? own;
  const fresh = joinPath(into, text as BytePath);
  const isFree = !has(fresh);
  const file = pick(isFile);
  const any = pick(() => true);
  switch (kind) {
    case 'file':
      if (isFree) writeFileSync(toBytes(fresh), `new ${String(which)}`);
      return;
    case 'directory':
      if (isFree) mkdirSync(toBytes(fresh));
      return;
    case 'deep':
      if (isFree) {
        mkdirSync(toBytes(joinPath(fresh, fromText('x/y'))), { recursive: true });
        writeFileSync(toBytes(joinPath(fresh, fromText('x/y/z'))), 'deep');
      }
      return;
    case 'symlink':
      if (isFree) symlinkSync(`target ${String(which)}`, toBytes(fresh));
      return;
    case 'special': {
      if (!isFree) return;
      const [type, ...numbers] = [['p'], ['c', '1', '3'], ['b', '7', '9'], ['s']][which % 4]!;
      programs.push(
        `[ -e ${quoted(fresh)} ] || [ ! -d ${quoted(into)} ] || ${
          type === 's'
            ? `perl -MIO::Socket::UNIX -e 'chdir shift; IO::Socket::UNIX->new(Local => shift, Listen => 1) or die $!' ${quoted(into)} ${quoted(text as BytePath)}`
            : `mknod ${quoted(fresh)} ${[type, ...numbers].join(' ')}`
        }`,
      );
      return;
    }
    case 'write':
      if (file !== undefined) writeFileSync(toBytes(file), `written ${String(which)} ${text}`);
      return;
    case 'overwrite':
      // Of the same size.
      if (file !== undefined)
        writeFileSync(
          toBytes(file),
          readFileSync(toBytes(file)).map((byte) => byte ^ 1),
          { flag: 'r+' },
        );
      return;
    case 'rewrite':
      if (file !== undefined) writeFileSync(toBytes(file), readFileSync(toBytes(file)), { flag: 'r+' });
      return;
    case 'append':
      if (file !== undefined) appendFileSync(toBytes(file), 'more');
      return;
    case 'truncate':
      if (file !== undefined) truncateSync(toBytes(file), which % 30);
      return;
    case 'mode':
      if (any !== undefined && !lstatSync(toBytes(any)).isSymbolicLink()) chmodSync(toBytes(any), 0o700 | (which % 0o100));
      return;
    case 'owner':
      if (any !== undefined) lchownSync(toBytes(any), which % 3, other % 3);
      return;
    case 'time':
      if (file !== undefined) utimesSync(toBytes(file), 1_700_000_000 + which, 1_700_000_000 + other + 0.123456);
      return;
    case 'access':
      if (file !== undefined) {
        const { mtimeMs } = lstatSync(toBytes(file));
        // To the nanosecond as it was, which Node cannot.
        if (Number.isInteger(mtimeMs)) utimesSync(toBytes(file), which, mtimeMs / 1000);
      }
      return;
    case 'attribute':
      if (any !== undefined)
        programs.push(
          `[ -h ${quoted(any)} ] || [ ! -f ${quoted(any)} ] || setfattr -n user.k${String(other % 3)} -v ${String(which)} -- ${quoted(any)}`,
        );
      return;
    case 'acl':
      if (file !== undefined) programs.push(`[ ! -f ${quoted(file)} ] || setfacl -m u:${String(which % 5)}:r -- ${quoted(file)}`);
      return;
    case 'rename': {
      const to = joinPath(bed(root, (number + 1 + (other % (beds - 1))) % beds), text as BytePath);
      if (any !== undefined && !has(to)) renameSync(toBytes(any), toBytes(to));
      return;
    }
    case 'rename here':
      if (any !== undefined && isFree && any !== into && !into.startsWith(`${any}/`)) renameSync(toBytes(any), toBytes(fresh));
      return;
    case 'exchange': {
      const second = pick(() => true, other);
      if (any === undefined || second === undefined || any === second) return;
      if (any.startsWith(`${second}/`) || second.startsWith(`${any}/`)) return;
      const aside = toBytes(joinPath(own, fromText('aside')));
      renameSync(toBytes(any), aside);
      renameSync(toBytes(second), toBytes(any));
      renameSync(aside, toBytes(second));
      return;
    }
    case 'link':
      if (file !== undefined && isFree) linkSync(toBytes(file), toBytes(fresh));
      return;
    case 'remove':
      if (any !== undefined) rmSync(toBytes(any), { recursive: true });
      return;
    case 'replace': {
      // By something of another type.
      if (any === undefined) return;
      const wasFile = isFile(any);
      rmSync(toBytes(any), { recursive: true });
      if (wasFile) mkdirSync(toBytes(any));
      else writeFileSync(toBytes(any), 'a file now');
      return;
    }
    case 'retarget': {
      const link = pick((path) => lstatSync(toBytes(path)).isSymbolicLink());
      if (link === undefined) return;
      rmSync(toBytes(link));
      symlinkSync(`elsewhere ${String(other)}`, toBytes(link));
      return;
    }
    case 'hole':
      if (isFree) {
        writeFileSync(toBytes(fresh), '');
        truncateSync(toBytes(fresh), 100_000 + which);
      }
  }
}

function entriesBelow(path: BytePath): BytePath[] {
  if (!existsSync(toBytes(path))) return [];
  return (readdirSync(toBytes(path), { encoding: 'latin1' }) as BytePath[]).sort().flatMap((each) => {
    const at = joinPath(path, each);
    return [at, ...(lstatSync(toBytes(at)).isDirectory() ? entriesBelow(at) : [])];
  });
}

function has(path: BytePath): boolean {
  return lstatSync(toBytes(path), { throwIfNoEntry: false }) !== undefined;
}

function quoted(path: BytePath): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
