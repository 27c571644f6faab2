/** A command on a pseudo-terminal, by way of script(1) of util-linux, whose questions are answered. */
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export interface Answer {
  /** Typed when the text since the last answer matches. */
  readonly when: RegExp;
  /** A function is called then. */
  readonly type: string | (() => string);
}

export interface PseudoTerminal {
  readonly columns: number;
  readonly rows: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly answers: readonly Answer[];
  /** How long all of it may take; then it is ended. Milliseconds. */
  readonly patience: number;
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

/** `words`: a program and its arguments. Errors: if a question that was expected does not come. */
export async function onPseudoTerminal(words: readonly string[], terminal: PseudoTerminal): Promise<TerminalResult> {
  const { columns, rows, cwd, env, patience } = terminal;
  const command = `stty cols ${String(columns)} rows ${String(rows)}; exec ${words.map(quoted).join(' ')}`;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd,
    env: { ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let seen = 0;
  const answers = [...terminal.answers];
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (data: string) => {
    output += data;
    const [next] = answers;
    if (next?.when.test(stripVTControlCharacters(output.slice(seen))) !== true) return;
    answers.shift();
    seen = output.length;
    child.stdin.write(typeof next.type === 'string' ? next.type : next.type());
  });
  // What script(1) itself has to say.
  child.stderr.setEncoding('utf8').on('data', (data: string) => (output += data));
  const patient = { isOver: false };
  const status = await new Promise<number | null>((resolve, reject) => {
    // What never shows what it is to be answered would wait for ever, and keep what it has mounted.
    const late = setTimeout(() => {
      patient.isOver = true;
      child.kill();
    }, patience);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      resolve(code);
    });
  });
  if (patient.isOver) throw new Error(`${String(answers[0]?.when)} is not in ${JSON.stringify(output.slice(seen).slice(-1500))}`);
  return { status, output: output.replaceAll('\r\n', '\n') };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
