/**
 * Questions. Each has a flag that answers it; without a terminal the flag is named and nothing is asked.
 */
import { RootsError } from '../errors.ts';
import { isInteractive } from './terminal.ts';

/** Errors: `usage` without a terminal, naming `flag`; `interrupted` on Ctrl-C. */
export async function confirm(question: string, flag: string): Promise<boolean> {
  refuseWithoutTerminal(flag);
  return ask<boolean>({ type: 'confirm', message: question, default: false });
}

export interface Choice<T> {
  readonly name: string;
  readonly value: T;
}

/** Errors: as `confirm`. */
export async function choose<T>(question: string, choices: readonly Choice<T>[], flag: string): Promise<T> {
  refuseWithoutTerminal(flag);
  return ask<T>({ type: 'select', message: question, choices, pageSize: 15 });
}

/** Errors: as `confirm`. `problem` says what is wrong with an answer, or null. */
export async function askText(question: string, problem: (answer: string) => string | null, flag: string): Promise<string> {
  refuseWithoutTerminal(flag);
  return ask<string>({ type: 'input', message: question, validate: (answer: string) => problem(answer) ?? true });
}

/** `json`: standard output is for a program, which sees neither the plan nor the question. */
export function refuseToAsk(flag: string, { json }: { readonly json: boolean }): void {
  if (json) throw new RootsError('usage', 'with --json nothing is asked', { hint: `answer with ${flag}` });
  refuseWithoutTerminal(flag);
}

function refuseWithoutTerminal(flag: string): void {
  if (!isInteractive()) throw new RootsError('usage', 'there is no terminal to ask on', { hint: `answer with ${flag}` });
}

let asking = false;

/** Whether a question is open. Nothing is under way then, and a signal need not wait for the answer. */
export function isAsking(): boolean {
  return asking;
}

async function ask<T>(question: object): Promise<T> {
  const { default: inquirer } = await import('inquirer');
  asking = true;
  try {
    const answers = (await inquirer.prompt([{ ...question, name: 'answer' }] as never)) as { answer: T };
    return answers.answer;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new RootsError('interrupted', 'stopped; nothing was changed', { cause: error });
    throw error;
  } finally {
    asking = false;
  }
}
