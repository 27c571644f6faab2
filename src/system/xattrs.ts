/**
 * Extended attributes by getfattr(1), which Node cannot read: many paths with one program, since a program for each would take
 * milliseconds.
 */
import { fromBytes, type BytePath } from '../byte-path.ts';
import { Unreadable, type Xattrs } from '../diff/tree.ts';
import { RootsError } from '../errors.ts';
import type { Run, RunResult } from './run.ts';

/** No link is followed, every name is wanted (trusted.*, security.* and system.* too), and values come in hexadecimal. */
const OPTIONS = ['-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', '--'] as const;

/** Far below the 2 MiB that execve(2) takes, and the 1 MiB that `Run` gives to xargs. */
const BYTES_AT_ONCE = 400_000;

const NONE: Xattrs = new Map();

/**
 * The attributes of each path, in the same order; values in hexadecimal. Paths are absolute and each is named once.
 * A path that cannot be read is `Unreadable`. Errors: `unsupported` or `not-permitted` if getfattr cannot be run, `failed` if its output is not understood.
 */
export async function readXattrs(run: Run, paths: readonly BytePath[], signal?: AbortSignal): Promise<readonly (Xattrs | Unreadable)[]> {
  const results: (Xattrs | Unreadable)[] = [];
  for (const group of groupsOf(paths)) results.push(...(await readGroup(run, group, signal)));
  return results;
}

/** Understands the output of getfattr with the options above. Names are decoded; what is not expected is an error. */
export function parseGetfattr(output: Uint8Array): ReadonlyMap<BytePath, Xattrs> {
  const files = new Map<BytePath, Xattrs>();
  if (output.length === 0) return files;
  const text: string = fromBytes(output);
  if (!text.endsWith('\n\n')) throw notUnderstood('its output is cut off');
  for (const block of text.slice(0, -2).split('\n\n')) {
    const [head = '', ...lines] = block.split('\n');
    if (!head.startsWith(FILE)) throw notUnderstood('a file name was expected');
    const path = unescape(head.slice(FILE.length));
    if (files.has(path)) throw notUnderstood('a file is named twice');
    files.set(path, parseAttributes(lines));
  }
  return files;
}

const FILE = '# file: ';

function parseAttributes(lines: readonly string[]): Xattrs {
  const attributes = new Map<BytePath, string>();
  if (lines.length === 0) throw notUnderstood('a file without attributes is listed');
  for (const line of lines) {
    const match = /^([^=]+)=0x((?:[0-9a-f]{2})*)$/s.exec(line);
    if (match === null) throw notUnderstood('a line is neither a file name nor an attribute');
    const [, name = '', value = ''] = match;
    attributes.set(unescape(name), value);
  }
  return attributes;
}

/** Newline, carriage return and backslash are `\ooo`, in the names of attributes `=` too; every other byte is as it is (attr 2.5.1). */
function unescape(name: string): BytePath {
  const plain = name.replaceAll(/\\([0-3][0-7]{2})?/g, (_, octal: string | undefined) => {
    if (octal === undefined) throw notUnderstood('a backslash is not followed by three octal digits');
    return String.fromCharCode(Number.parseInt(octal, 8));
  });
  return plain as BytePath;
}

function* groupsOf(paths: readonly BytePath[]): Generator<readonly BytePath[]> {
  let group: BytePath[] = [];
  let bytes = 0;
  for (const path of paths) {
    if (bytes + path.length > BYTES_AT_ONCE) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(path);
    bytes += path.length + 1;
  }
  if (group.length > 0) yield group;
}

/**
 * One unreadable path fails the whole call, and the text on standard error does not name it exactly. So that a path which is gone is not
 * taken for one without attributes, a failed group is read again by halves, until the path stands alone.
 */
async function readGroup(run: Run, paths: readonly BytePath[], signal: AbortSignal | undefined): Promise<(Xattrs | Unreadable)[]> {
  const result = await getfattr(run, paths, signal);
  if (result.status === 0) return pick(parseGetfattr(result.stdout), paths);
  if (paths.length <= 1) return paths.map(() => new Unreadable(reasonOf(result)));
  const middle = paths.length >> 1;
  return [...(await readGroup(run, paths.slice(0, middle), signal)), ...(await readGroup(run, paths.slice(middle), signal))];
}

async function getfattr(run: Run, paths: readonly BytePath[], signal: AbortSignal | undefined): Promise<RunResult> {
  const args = [...OPTIONS, ...paths.map((path) => ({ path }))];
  const result = await run('getfattr', args, signal === undefined ? {} : { signal });
  // Where a path is not UTF-8 it is xargs that could not start it.
  if (result.status === 127)
    throw new RootsError('unsupported', 'the program `getfattr` is not installed', { hint: 'install the package that has `getfattr`' });
  if (result.status === 126) throw new RootsError('not-permitted', 'the program `getfattr` may not be started');
  return result;
}

function pick(files: ReadonlyMap<BytePath, Xattrs>, paths: readonly BytePath[]): Xattrs[] {
  const attributes = paths.map((path) => files.get(path) ?? NONE);
  if (attributes.filter((found) => found !== NONE).length !== files.size) throw notUnderstood('it lists a file that was not asked for');
  return attributes;
}

const REASONS: readonly (readonly [ending: string, why: string])[] = [
  [': No such file or directory', 'vanished while it was read'],
  [': Not a directory', 'changed while it was read'],
  [': No such attribute', 'changed while it was read'],
  [': Permission denied', 'permission denied'],
  [': Operation not permitted', 'permission denied'],
];

function reasonOf(result: RunResult): string {
  const reason = REASONS.find(([ending]) => result.stderr.endsWith(ending));
  return reason?.[1] ?? `its extended attributes cannot be read (getfattr exited with ${String(result.status)})`;
}

function notUnderstood(why: string): RootsError {
  return new RootsError('failed', `the output of getfattr is not understood: ${why}`);
}
