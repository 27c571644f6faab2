/** Which of many files hold what an expression says, by grep(1). */
import { toBytes, toText, type BytePath } from '../byte-path.ts';
import { RootsError } from '../errors.ts';
import type { Run } from './run.ts';

/** Extended, and of bytes (LC_ALL=C); FIFOs and devices are not waited for. What is no text counts as well, and only names are wanted. */
const OPTIONS = ['-E', '-l', '-Z', '-a', '-D', 'skip', '-d', 'skip'] as const;

export interface Grepped {
  readonly matching: ReadonlySet<BytePath>;
  /** By path: why it could not be read. */
  readonly unread: ReadonlyMap<BytePath, string>;
}

/** Errors: `usage` if it is no such expression. */
export async function requireExpression(run: Run, expression: string): Promise<void> {
  const { status, stderr } = await run('grep', ['-E', '-e', expression]);
  if (status > 1)
    throw new RootsError('usage', `--content: ${stderr.replace(/^grep: /, '')}`, {
      hint: 'it is an extended regular expression, see grep(1)',
    });
}

/** Paths are absolute. The expression is one that `requireExpression` has let pass, in UTF-8. */
export async function filesWith(run: Run, expression: string, paths: readonly BytePath[], signal: AbortSignal): Promise<Grepped> {
  if (paths.length === 0) return { matching: new Set(), unread: new Map() };
  const input = Buffer.concat(paths.flatMap((path) => [toBytes(path), Buffer.from([0])]));
  const { stdout, stderr: said } = await run('xargs', ['-0', '-s', '1048576', '--', 'grep', ...OPTIONS, '-e', expression, '--'], {
    input,
    signal,
  });
  const matching = new Set(stdout.toString('latin1').split('\0').slice(0, -1) as BytePath[]);
  // GNU grep 3.8 warns of what has no meaning in an expression.
  const stderr = said
    .split('\n')
    .filter((line) => !line.startsWith('grep: warning: '))
    .join('\n');
  // It names what it could not read, and nothing else is to be said there.
  const unread = stderr === '' ? [] : paths.filter((path) => stderr.includes(`grep: ${toText(path)}: `));
  if (stderr !== '' && unread.length === 0) throw new RootsError('failed', stderr.split('\n')[0] ?? '');
  return { matching, unread: new Map(unread.map((path) => [path, whyOf(stderr, path)])) };
}

function whyOf(stderr: string, path: BytePath): string {
  const said = stderr.slice(stderr.indexOf(`grep: ${toText(path)}: `) + `grep: ${toText(path)}: `.length).split('\n')[0] ?? '';
  return said.toLowerCase();
}
