/** Runs the program on a pseudo-terminal, by way of script(1) of util-linux, and answers its questions. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { KEEP_ONE_BTRFS, PROGRAM, environment, processesWith, type RunOptions } from './roots.ts';

export interface TerminalOptions extends Pick<RunOptions, 'cwd' | 'env' | 'onlyBtrfs'> {
  readonly columns?: number;
  readonly rows?: number;
  /** What to type when the text since the last answer matches; a function is called then. */
  readonly answers?: readonly { readonly when: RegExp; readonly type: string | (() => string) }[];
}

export interface TerminalResult {
  readonly status: number | null;
  /** All that reached the terminal; line ends are newlines. */
  readonly output: string;
}

export const KEYS = {
  enter: '\r',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  up: '\u001b[A',
  down: '\u001b[B',
  escape: '\u001b',
  backspace: '\u007f',
  tab: '\t',
} as const;

const PATIENCE_MS = 30_000;

export async function onTerminal(args: readonly string[], options: TerminalOptions = {}): Promise<TerminalResult> {
  const mark = randomUUID();
  const { columns = 100, rows = 50 } = options;
  const namespace = options.onlyBtrfs === undefined ? '' : `unshare --mount -- sh -c ${quoted(KEEP_ONE_BTRFS)} sh ${options.onlyBtrfs} `;
  const command = `stty cols ${String(columns)} rows ${String(rows)}; exec ${namespace}${[process.execPath, PROGRAM, ...args].map(quoted).join(' ')}`;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: options.cwd ?? '/',
    env: { ...environment(mark, options.env), SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let seen = 0;
  const answers = [...(options.answers ?? [])];
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    output += data;
    const [next] = answers;
    if (next?.when.test(stripVTControlCharacters(output.slice(seen))) !== true) return;
    answers.shift();
    seen = output.length;
    child.stdin.write(typeof next.type === 'string' ? next.type : next.type());
  });
  const patience = { isOver: false };
  const status = await new Promise<number | null>((resolve, reject) => {
    // What never shows what it is to be answered would wait for ever, and keep what it has mounted.
    const late = setTimeout(() => {
      patience.isOver = true;
      child.kill();
    }, PATIENCE_MS);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve(code);
    });
  });
  if (patience.isOver) throw new Error(`${String(answers[0]?.when)} is not in ${JSON.stringify(output.slice(seen).slice(-1500))}`);
  for (const pid of processesWith(mark)) throw new Error(`process ${pid} was left behind`);
  return { status, output: output.replaceAll('\r\n', '\n') };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
