/**
 * Questions. Each has a flag that answers it; without a terminal the flag is named and nothing is asked.
 */
import { emitKeypressEvents } from 'node:readline';
import { styleText } from 'node:util';
import { RootsError } from '../errors.ts';
import { isInteractive, rowsOf } from './terminal.ts';

/** Errors: `usage` without a terminal, naming `flag`; `interrupted` on Ctrl-C. */
export async function confirm(question: string, flag: string): Promise<boolean> {
  refuseWithoutTerminal(flag);
  return ask<boolean>({ type: 'confirm', message: question, default: false });
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
  /** Shown below the list while it is the one that Enter takes. */
  readonly description?: string;
}

/** A line among choices that says something and cannot be chosen. */
export interface Remark {
  readonly type: 'separator';
  readonly separator: string;
}

export interface Search<T> {
  readonly question: string;
  /** Asked anew for every letter that is typed. `signal` is raised when the answer is not wanted any more. */
  readonly find: (typed: string, signal: AbortSignal) => Promise<readonly (Choice<T> | Remark)[]>;
  /** What is typed at first. */
  readonly typed?: string | undefined;
  /** Where the cursor is at first. */
  readonly start?: T | undefined;
}

/** Null: one step back. On a terminal only. Errors: `interrupted` on Ctrl-C. */
export async function searchOrBack<T>({ question, find, typed: initialValue, start }: Search<T>): Promise<T | null> {
  return askOrBack<T>({
    type: 'search',
    message: question,
    source: (typed: string | undefined, { signal }: { signal: AbortSignal }) => find(typed ?? '', signal),
    default: start,
    initialValue,
    pageSize: linesOfChoices(),
    theme: withKeys([
      ['type', 'search'],
      ['↑↓', 'move'],
      ['⏎', 'choose'],
      ['esc', 'back'],
    ]),
  });
}

/** As `searchOrBack`. */
export async function chooseOrBack<T>(question: string, choices: readonly Choice<T>[], start?: T): Promise<T | null> {
  return askOrBack<T>({
    type: 'select',
    message: question,
    choices,
    default: start,
    loop: false,
    pageSize: linesOfChoices(),
    theme: withKeys([
      ['↑↓', 'move'],
      ['⏎', 'choose'],
      ['esc', 'back'],
    ]),
  });
}

/** As `searchOrBack`. `problem` says what is wrong with an answer, or null. */
export async function askTextOrBack(question: string, problem: (answer: string) => string | null): Promise<string | null> {
  return askOrBack<string>({
    type: 'input',
    message: question,
    validate: (answer: string) => problem(answer) ?? true,
  });
}

/** As `searchOrBack`. */
export async function confirmOrBack(question: string): Promise<boolean> {
  return (await askOrBack<boolean>({ type: 'confirm', message: question, default: false })) === true;
}

/** The question, what is said of a choice and the keys take some lines, and one that was there before should stay in sight. */
function linesOfChoices(): number {
  return Math.max(rowsOf(process.stdout) - 7, 5);
}

function withKeys(keys: readonly (readonly [key: string, does: string])[]): object {
  return { style: { keysHelpTip: () => styleText('dim', keys.map(([key, does]) => `${key} ${does}`).join(' · ')) } };
}

/** `json`: standard output is for a program, which sees neither the plan nor the question. */
export function refuseToAsk(flag: string, { json }: { readonly json: boolean }): void {
  if (json) throw new RootsError('usage', 'with --json nothing is asked', { hint: `answer with ${flag}` });
  refuseWithoutTerminal(flag);
}

/** For what is all questions. `instead`: how to have the same without. Errors: `usage`. */
export function requireTerminal(instead: string, { json }: { readonly json: boolean }): void {
  if (json) throw new RootsError('usage', 'with --json nothing is asked', { hint: instead });
  if (!isInteractive()) throw new RootsError('usage', 'there is no terminal to ask on', { hint: instead });
}

function refuseWithoutTerminal(flag: string): void {
  if (!isInteractive()) throw new RootsError('usage', 'there is no terminal to ask on', { hint: `answer with ${flag}` });
}

let asking = false;

/** Whether a question is open. Nothing is under way then, and a signal need not wait for the answer. */
export function isAsking(): boolean {
  return asking;
}

/** How long a lone Escape waits for being the beginning of another key. Milliseconds. */
const ESCAPE_DELAY = 50;

/** What was asked is wiped away: who walks through many questions wants to see where they are, not all the way there. */
async function askOrBack<T>(question: object): Promise<T | null> {
  const back = new AbortController();
  const onKey = (_: string | undefined, { name, ctrl }: { readonly name?: string; readonly ctrl?: boolean }): void => {
    // inquirer would wait for ever at the end of the input, as Ctrl-D has it.
    if (name === 'escape' || (ctrl === true && name === 'd')) back.abort();
  };
  // The first call for a stream counts, and inquirer would wait for half a second.
  emitKeypressEvents(process.stdin, { escapeCodeTimeout: ESCAPE_DELAY } as never);
  process.stdin.on('keypress', onKey);
  try {
    return await ask<T>(question, { signal: back.signal, clearPromptOnDone: true });
  } catch (error) {
    if (back.signal.aborted) return null;
    throw error;
  } finally {
    process.stdin.off('keypress', onKey);
  }
}

async function ask<T>(question: object, options: { readonly signal?: AbortSignal; readonly clearPromptOnDone?: boolean } = {}): Promise<T> {
  const { default: inquirer } = await import('inquirer');
  asking = true;
  try {
    const prompt = inquirer.createPromptModule(options);
    const answers = (await prompt([{ ...question, name: 'answer' }] as never)) as { answer: T };
    return answers.answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new RootsError('interrupted', 'stopped; nothing was changed', { cause: error });
    throw error;
  } finally {
    asking = false;
  }
}
